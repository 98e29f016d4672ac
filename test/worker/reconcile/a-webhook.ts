import type { Sandbox } from "../../../sandbox/sandbox.ts";

export type Data = Readonly<Record<string, string>>;

/** An admission webhook that changes each real PUT of aws-auth, and no dry run. */
export const changingWrites = (sandbox: () => Sandbox) => ({
  webhook: (change: (data: Data) => Data, times = Number.POSITIVE_INFINITY) =>
    sandbox().faults.plan(
      "kubernetes.replace-configmap",
      {
        type: "change",
        body: (sent) => {
          const object = JSON.parse(sent);
          return JSON.stringify({ ...object, data: change(object.data) });
        },
      },
      { times },
    ),
});

export const editing = (from: string | RegExp, to: string) => (data: Data) => ({
  ...data,
  ...(data.mapUsers !== undefined && { mapUsers: data.mapUsers.replaceAll(from, to) }),
});

export const addingMasters = editing('- "eks-access:viewers"\n', '- "eks-access:viewers"\n    - "system:masters"\n');
export const restoring = (before: Data | undefined) => (data: Data) => ({ ...data, ...before });
