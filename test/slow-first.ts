import { BaseSequencer, type TestSpecification } from "vitest/node";

/** About how many seconds the files take of which each takes long; folders end with a slash, and their files take this long each. */
const waiting: readonly (readonly [place: string, seconds: number])[] = [
  ["test/fault/matrix.test.ts", 65],
  ["test/flow/trouble.test.ts", 45],
  ["test/flow/outage.test.ts", 30],
  ["test/runbooks/redis-is-gone.test.ts", 30],
  ["test/flow/fleet.test.ts", 25],
  ["test/flow/migration.test.ts", 20],
  ["test/flow/slow-aws.test.ts", 20],
  ["test/flow/waiting-to-start.test.ts", 15],
  ["test/flow/lease.test.ts", 15],
  ["test/fault/failover.test.ts", 15],
  ["test/flow/socket-mode.test.ts", 13],
  ["test/flow/all.test.ts", 13],
  ["test/fault/binding-interleavings.test.ts", 12],
  ["test/flow/access-entries.test.ts", 11],
  ["test/flow/egress-proxy.test.ts", 10],
  ["test/fault/reconcile-interleavings.test.ts", 10],
  ["test/fault/", 5],
  ["test/flow/", 5],
  ["test/runbooks/", 6],
];
/** Most of those below the last one take less than a second, so that they fill up the end. */
const computing: typeof waiting = [
  ["test/bin/rescue.test.ts", 15],
  ["test/worker/reconcile/binding-way.test.ts", 15],
  ["test/slack/show/removed-cluster.test.ts", 10],
  ["test/slack/show/message-worker.test.ts", 10],
  ["test/worker/migration/repair-entries.test.ts", 10],
  ["test/aws-auth/hostile.test.ts", 10],
  ["test/slack/app/directory.test.ts", 9],
  ["test/sandbox/slack/bolt-socket.test.ts", 8],
  ["test/bin/bootstrap.test.ts", 8],
  ["test/slack/app/guarded-receiver.test.ts", 8],
  ["test/worker/reconcile/sign-in-entry.test.ts", 8],
  ["test/worker/migration/migrations.test.ts", 8],
  ["test/", 1],
];

/**
 * The slow files first, so that no core waits for the last of them, and at any time about as many that wait for leases, processes and
 * sockets as others, which keep the processors busy meanwhile. Vitest knows by itself only after a run how long each file takes, and
 * a fresh clone has none.
 */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = (file: TestSpecification, lane: typeof waiting) =>
      lane.findIndex(([place]) => file.moduleId.includes(`/${place}`));
    const sorted = await super.sort(files);
    const lanes = [
      { lane: waiting, files: sorted.filter((file) => rank(file, waiting) >= 0) },
      { lane: computing, files: sorted.filter((file) => rank(file, waiting) < 0) },
    ].map(({ lane, files }) => {
      let seconds = 0;
      return files
        .toSorted((a, b) => rank(a, lane) - rank(b, lane))
        .map((file) => {
          const begins = seconds;
          seconds += lane[rank(file, lane)]?.[1] ?? 0;
          return { file, begins };
        });
    });
    return lanes
      .flat()
      .toSorted((a, b) => a.begins - b.begins)
      .map(({ file }) => file);
  }
}
