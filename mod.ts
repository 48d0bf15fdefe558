/**
 * myfs packs directories into *flists* (small metadata files) and content-addressed, deduplicated,
 * compressed and encrypted *blocks* in stores of your choice, and brings them back: exactly, and
 * fast.
 *
 * @example A directory goes into a store and comes back
 * ```ts
 * import { checkImage, openImage, packDirectory, unpackImage } from "myfs";
 *
 * const folder = await Deno.makeTempDir();
 * await Deno.mkdir(`${folder}/tree/etc`, { recursive: true });
 * await Deno.writeTextFile(`${folder}/tree/etc/motd`, "Welcome!\n");
 *
 * const meta = `${folder}/tree.fl`;
 * const packed = await packDirectory(`${folder}/tree`, { meta, store: `dir://${folder}/blocks` });
 * console.assert(packed.files === 1);
 *
 * {
 *   await using image = await openImage(meta);
 *   const motd = await image.readFile("etc/motd");
 *   console.assert(new TextDecoder().decode(motd) === "Welcome!\n");
 * }
 *
 * const check = await checkImage(meta);
 * console.assert(check.blocksOk === check.blocks);
 *
 * await unpackImage(meta, `${folder}/copy`);
 * console.assert(await Deno.readTextFile(`${folder}/copy/etc/motd`) === "Welcome!\n");
 * await Deno.remove(folder, { recursive: true });
 * ```
 *
 * @module
 */

// Packing and unpacking
export { packDirectory, type PackOptions, type PackReport } from "./lib/image/pack.ts";
export { type ArchiveLimits, packTar, type PackTarOptions } from "./lib/image/pack_tar.ts";
export { type CommitOptions, commitOverlay, type CommitReport } from "./lib/image/commit.ts";
export { unpackImage, type UnpackOptions, type UnpackReport } from "./lib/image/unpack.ts";
export type { EntryCounts, Loss } from "./lib/image/reports.ts";

// Container images
export {
  convertLayers,
  type ConvertLayersReport,
  type ConvertOptions,
  type ImageOfLayers,
} from "./lib/oci/convert_layers.ts";
export type { LayerSource } from "./lib/oci/layer_source.ts";
export {
  type ConvertedImage,
  convertImage,
  type ConvertImageOptions,
  type ConvertReport,
} from "./lib/oci/convert_image.ts";
export {
  type ContainerImage,
  type ContainerLayer,
  type ContainerPlatformImage,
  openContainerImage,
  type OpenContainerImageOptions,
} from "./lib/oci/container_image.ts";
export {
  type DaemonReference,
  type FileReference,
  formatImageReference,
  type ImageReference,
  parseImageReference,
  type RegistryReference,
} from "./lib/oci/image_reference.ts";
export type { OciDigest } from "./lib/oci/oci_digest.ts";
export type { RegistryCredentials } from "./lib/oci/registry_credentials.ts";
export type { RegistryOptions } from "./lib/oci/registry_source.ts";
export type { TransportOptions } from "./lib/oci/registry_transport.ts";
export type { ProxySettings } from "./lib/store/http_proxy.ts";
export type { RetryOptions } from "./lib/store/wrappers/retrying_store.ts";
export type { Clock } from "./lib/base/clock.ts";

// Images: a flist with its stores
export {
  Image,
  type ImageEntry,
  openImage,
  type OpenImageOptions,
  type ReadOptions,
} from "./lib/image/image.ts";
export type { ReadStoreOptions, StoreLike } from "./lib/image/image_stores.ts";
export {
  type BlockFault,
  checkImage,
  type CheckOptions,
  type CheckReport,
} from "./lib/image/check.ts";
export type { HealedCopy, HealReport, UnhealedStore } from "./lib/image/healing.ts";
export { cloneImage, type CloneOptions, type CloneReport } from "./lib/image/clone.ts";
export { blockIdsOf } from "./lib/image/block_ids.ts";
export {
  copyStore,
  type CopyStoreFault,
  type CopyStoreOptions,
  type CopyStoreReport,
} from "./lib/image/copy_store.ts";
export {
  type ChangedEntry,
  diffImages,
  type EntryAspect,
  type ImageDiff,
} from "./lib/image/diff.ts";
export { type ImageSummary, inspectImage } from "./lib/image/inspect.ts";
export { pinImage, type PinImageOptions, type PinImageReport, pinNameOf } from "./lib/image/pin.ts";
export { editFlist, type EditFlistOptions } from "./lib/image/edit.ts";

// Mounts: images as read-only file systems
export {
  ImageMount,
  type MountEnd,
  type MountEvent,
  type MountFault,
  mountImage,
  type MountImageOptions,
  type MountStatistics,
} from "./lib/mount/mount_image.ts";
export type { Prefetch, PrefetchStatistics } from "./lib/mount/prefetcher.ts";
export { formatUseTrace, parseUseTrace, USE_TRACE_SIZE_MAX } from "./lib/mount/use_trace.ts";
export type { MountKeeping } from "./lib/mount/mount_keeping.ts";
export type { MountStatus, MountStoreStatus } from "./lib/mount/mount_status.ts";
export {
  listMountedImages,
  mountedFlist,
  type MountedImage,
  type MountState,
  unmountImage,
  type UnmountImageOutcome,
} from "./lib/mount/mounts.ts";

// Flists: metadata alone
export {
  type ChunkRecord,
  type DigestRecord,
  type Extent,
  type ExtentRecord,
  type FlistCounts,
  FlistReader,
  type Inode,
  type Route,
} from "./lib/flist/flist_reader.ts";
export type { ValidateOptions } from "./lib/flist/flist_validation.ts";
export { FlistEditor } from "./lib/flist/flist_editor.ts";
export { dumpFlist, type DumpFlistOptions } from "./lib/flist/text_dump.ts";
export { parseFlistText } from "./lib/flist/text_parse.ts";

// Hubs, and flists on them
export {
  connectHub,
  type ConnectHubOptions,
  HubClient,
  type HubRequest,
} from "./lib/hub_api/hub_client.ts";
export type {
  AnswerSchema,
  CreateHubTokenOptions,
  HubFlist,
  HubFlistEvent,
  HubFlistHistory,
  HubFlistPage,
  HubScope,
  HubToken,
  HubUser,
  NewHubToken,
} from "./lib/hub_api/hub_answers.ts";
export {
  downloadFile,
  type DownloadReport,
  existsAtHub,
  findAtHub,
  publishFlist,
  type TransferOptions,
  uploadFile,
  type UploadReport,
} from "./lib/hub_api/transfer.ts";
export { countBlocksAtHub, trackBlocks, type TrackedBlock } from "./lib/hub_api/tracked_blocks.ts";
export {
  downloadTree,
  type DownloadTreeOptions,
  uploadDirectory,
  type UploadDirectoryOptions,
  type UploadDirectoryReport,
  type UploadedFile,
  uploadTree,
  type UploadTreeOptions,
  type UploadTreeReport,
} from "./lib/image/hub_directories.ts";
export { type HubCredential, HubCredentials } from "./lib/hub_api/credentials.ts";
export {
  formatHubFlist,
  type HubAddress,
  type HubFlistReference,
  isHubFlist,
  parseHubAddress,
  parseHubFlist,
} from "./lib/hub_api/hub_address.ts";
export { resolveFlist, type ResolveFlistOptions } from "./lib/image/resolve_flist.ts";

// Stores: blocks alone
export type {
  Durability,
  LocalPlacement,
  LocalPlacementDirectory,
  PutOptions,
  PutResult,
  Store,
  StoreCallOptions,
} from "./lib/store/store.ts";
export type { PrefixRange } from "./lib/store/prefix_range.ts";
export { openStore, type OpenStoreOptions } from "./lib/store/open_store.ts";
export type { StoreTuning, StoreVerification } from "./lib/store/wrappers/leaf_wrappers.ts";
export { type BlockCheck, checkEitherDigest } from "./lib/store/block_check.ts";
export type { HealEvent } from "./lib/store/wrappers/block_healer.ts";
export {
  type CallOutcome,
  type LatencyMetrics,
  type OperationMetrics,
  StoreMeter,
  type StoreMetrics,
  StoreMetricsCollector,
} from "./lib/store/wrappers/store_metrics.ts";
export type { StoreOperation } from "./lib/store/wrappers/call_wrapper.ts";
export {
  BlockCache,
  type BlockCacheOptions,
  type CachePinStatus,
  type CacheStatistics,
  type CacheStatus,
  type CacheVerifyReport,
  type CacheWarning,
  type CacheWorkOptions,
  openBlockCache,
} from "./lib/store/block_cache.ts";
export type { BlockTotal } from "./lib/store/cache_index.ts";
export { withBlockCache } from "./lib/store/wrappers/cached_store.ts";
export {
  copyBlocks,
  type CopyBlocksOptions,
  type CopyFault,
  type CopyTotals,
} from "./lib/store/copy_blocks.ts";
export {
  checkStore,
  type CheckStoreOptions,
  type StoreCheckReport,
  type StorePromise,
} from "./lib/store/store_check.ts";
export type { StoreAbilities, StoreAbility } from "./lib/store/store_abilities.ts";
export type { SpeedFigure } from "./lib/store/store_speed.ts";
export type { StoreRoute } from "./lib/store/wrappers/routed_store.ts";
export { MemoryStore } from "./lib/store/memory_store.ts";
export {
  formatStoreSpec,
  parseStoreSpec,
  redactUrl,
  type StoreSpec,
  stripSecrets,
} from "./lib/store/store_url.ts";

// Blocks
export {
  type BlockCodec,
  type BlockCodecOptions,
  createBlockCodec,
  type OpenBlockOptions,
} from "./lib/block/block_codec.ts";
export {
  type BlockId,
  blockIdBytes,
  blockIdFromBytes,
  BlockKey,
  type BlockRef,
  parseBlockId,
  type SealedBlock,
} from "./lib/block/block_ref.ts";
export type { Profile } from "./lib/block/profile.ts";
export { blake2b256, blake3 } from "./lib/block/digest.ts";
export type { Backend } from "./lib/block/native_library.ts";

// Trees
export {
  type EntryKind,
  type EntryMetadata,
  splitDevice,
  type TreeEntry,
  type Xattrs,
} from "./lib/tree/tree_entry.ts";

// Names, progress and errors
export {
  compareByteStrings,
  decodeByteString,
  displayByteString,
  encodeByteString,
} from "./lib/base/byte_string.ts";
export { type Bytes, releaseBytes } from "./lib/base/bytes.ts";
export type { ProgressEvent, ProgressListener, ProgressPhase } from "./lib/base/progress.ts";
export {
  ArchiveFormatError,
  BlockCorruptError,
  BlockNotFoundError,
  type Failure,
  FlistFormatError,
  FlistNotFoundError,
  HubError,
  ImageFormatError,
  ImageNotFoundError,
  LimitExceededError,
  MountError,
  MyfsError,
  type MyfsErrorCode,
  PartialFailureError,
  PathNotFoundError,
  RegistryDeniedError,
  RegistryUnavailableError,
  StoreDeniedError,
  StoreUnavailableError,
  SystemError,
  UnsafePathError,
  UnsupportedError,
  UntrustedBaseError,
  UntrustedRouteError,
} from "./lib/base/errors.ts";
