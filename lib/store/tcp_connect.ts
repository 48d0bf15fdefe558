/**
 * TCP connections whose making can be given up.
 *
 * @module
 */

/** How long a connection that nobody waits for any more may take before its making is ended. */
const GRACE_MS = 1000;

/**
 * Connects to `hostname`, and gives up as soon as `signal` is aborted.
 *
 * `Deno.connect` takes a signal itself, but leaves the connection open where it is made at the very
 * moment of the abort (Deno 2.9.5). So a connection that comes too late is taken and closed here,
 * and only one that still has not come some time later is ended by Deno.
 *
 * @throws the signal's reason when it is aborted, and what the system says when it fails.
 */
export async function connectTcp(
  address: { readonly hostname: string; readonly port: number },
  signal?: AbortSignal,
): Promise<Deno.TcpConn> {
  signal?.throwIfAborted();
  if (signal === undefined) return await Deno.connect(address);
  const ending = new AbortController();
  const connecting = Deno.connect({ ...address, signal: ending.signal });
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => {
    const timer = setTimeout(() => ending.abort(signal.reason), GRACE_MS);
    connecting.then((late) => late.close(), () => {}).finally(() => clearTimeout(timer));
    aborted.reject(signal.reason);
  };
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([connecting, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
