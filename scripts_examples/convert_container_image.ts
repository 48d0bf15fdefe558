/**
 * Turns a container image into a flist and blocks, and looks at what is in it, without Docker and
 * without unpacking it.
 *
 *     deno run -A scripts_examples/convert_container_image.ts nginx:latest nginx.fl dir:///srv/blocks
 *     deno run -A scripts_examples/convert_container_image.ts oci:layout:app app.fl dir:///srv/blocks
 *
 * The image is named as skopeo names it. Layers that were packed before are not fetched again.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a script talks to whoever runs it

import { convertImage, MyfsError, openContainerImage, openImage } from "myfs";

const [name, meta, store] = Deno.args;
if (name === undefined || meta === undefined || store === undefined) {
  console.error(
    "Usage: deno run -A scripts_examples/convert_container_image.ts <image> <flist> <store>",
  );
  Deno.exit(2);
}

try {
  {
    // What there is, before anything large is fetched.
    await using image = await openContainerImage(name);
    for (const { platform, layers } of image.images) {
      const bytes = layers.reduce((sum, { size }) => sum + size, 0);
      console.log(`${image.reference}: ${platform}, ${layers.length} layers, ${bytes} bytes`);
    }
  }

  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  const { images } = await convertImage(name, { meta, store, stateFolder: `${cache}/myfs` });
  for (const { layers, layersKnown, pack } of images) {
    console.log(`${pack.meta}: ${pack.files} files, ${pack.blocksStored} new blocks`);
    console.log(`${layersKnown} of ${layers} layers were known`);
  }

  // The flist and its store are all that is needed from now on.
  await using image = await openImage(meta);
  console.log(`manifest ${image.tags.get("oci.manifest")}`);
  console.log(new TextDecoder().decode(await image.readFile(".startup.toml")));
} catch (error) {
  if (!(error instanceof MyfsError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  if (error.hint !== undefined) console.error(error.hint);
  Deno.exit(1);
}
