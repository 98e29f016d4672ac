/**
 * Preloaded into a process that is measured, which runs with --expose-gc: at SIGUSR2 it collects its garbage and prints how
 * much is left on its heap, in MB.
 */
process.on("SIGUSR2", () => {
  globalThis.gc?.();
  const mb = process.memoryUsage().heapUsed / 1024 ** 2;
  process.stdout.write(`${JSON.stringify({ msg: "live heap", mb })}\n`);
});
