import type { Sandbox } from "../../../sandbox/sandbox.ts";

export type Data = Readonly<Record<string, string>>;

/** An admission webhook that changes each real write of aws-auth, or so many, and no dry run. */
export const changingWrites = (sandbox: () => Sandbox) => ({
  webhook: (change: (data: Data) => Data, times = Number.POSITIVE_INFINITY) => {
    let left = times;
    return sandbox().cluster.admit((data) => {
      left -= 1;
      return left < 0 ? data : change(data);
    });
  },
  noWebhook: () => sandbox().cluster.admit(null),
});

export const editing = (from: string | RegExp, to: string) => (data: Data) => ({
  ...data,
  ...(data.mapUsers !== undefined && { mapUsers: data.mapUsers.replaceAll(from, to) }),
});

export const addingMasters = editing('- "eks-access:viewers"\n', '- "eks-access:viewers"\n    - "system:masters"\n');
export const restoring = (before: Data | undefined) => (data: Data) => ({ ...data, ...before });
