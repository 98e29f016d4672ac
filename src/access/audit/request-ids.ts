/**
 * The ids that others gave to the calls of one run, under which their own logs have each. A call that was refused has one
 * too; one without an answer has none.
 */
export interface RequestIds {
  /** @param call as that log names it: `sts:AssumeRole`, `PUT configmaps` */
  add(call: string, id: string): void;
  /** The ids of each call, in the order of the answers. */
  byCall(): Readonly<Record<string, readonly string[]>>;
}

/** Of the calls that stand in a run's events, those by which nothing is changed. */
const reading = /^(?:sts|cloudtrail):|^eks:(?:Describe|List)|^GET |^POST selfsubjectreviews$| \(dry run\)$/;

/** Whether a run has sent anything that changes a cluster, or may have. */
export function hasWrites(...logs: readonly (RequestIds | undefined)[]): boolean {
  return logs.some((log) => Object.keys(log?.byCall() ?? {}).some((call) => !reading.test(call)));
}

export function requestIds(): RequestIds {
  const ids = new Map<string, readonly string[]>();
  return {
    add: (call, id) => void ids.set(call, [...(ids.get(call) ?? []), id]),
    byCall: () => Object.fromEntries(ids),
  };
}
