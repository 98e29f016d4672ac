/** The milliseconds of processor time that `run` takes: unlike real time, no other process adds to them. */
export function cpuTimeOf(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
