import { BaseSequencer, type TestSpecification } from "vitest/node";

/** About how many seconds the files take of which each takes long; folders end with a slash, and their files take this long each. */
const waiting: readonly (readonly [place: string, seconds: number])[] = [
  ["test/fault/matrix.test.ts", 70],
  ["test/flow/trouble.test.ts", 43],
  ["test/flow/outage.test.ts", 33],
  ["test/fault/failover.test.ts", 25],
  ["test/runbooks/redis-is-gone.test.ts", 25],
  ["test/flow/fleet.test.ts", 25],
  ["test/flow/waiting-to-start.test.ts", 21],
  ["test/flow/migration.test.ts", 20],
  ["test/flow/slow-aws.test.ts", 19],
  ["test/flow/failed-start.test.ts", 15],
  ["test/flow/lease.test.ts", 14],
  ["test/flow/access-entries.test.ts", 13],
  ["test/flow/all.test.ts", 13],
  ["test/flow/socket-mode.test.ts", 13],
  ["test/flow/egress-proxy.test.ts", 11],
  ["test/flow/story.test.ts", 11],
  ["test/fault/binding-interleavings.test.ts", 11],
  ["test/fault/reconcile-interleavings.test.ts", 10],
  ["test/flow/acknowledged.test.ts", 10],
  ["test/runbooks/a-worker-hangs.test.ts", 10],
  ["test/flow/stopping.test.ts", 9],
  ["test/flow/tracing.test.ts", 9],
  ["test/fault/", 6],
  ["test/flow/", 6],
  ["test/runbooks/", 6],
];
/** Most of those below the last one take less than a second, so that they fill up the end. */
const computing: typeof waiting = [
  ["test/worker/reconcile/binding-way.test.ts", 29],
  ["test/bin/rescue.test.ts", 22],
  ["test/ledger/unreadable.test.ts", 20],
  ["test/slack/show/message-worker.test.ts", 14],
  ["test/worker/migration/repair-entries.test.ts", 14],
  ["test/worker/migration/migrations.test.ts", 12],
  ["test/worker/reconcile/way-adapter.contract.test.ts", 12],
  ["test/aws-auth/hostile.test.ts", 11],
  ["test/bin/bootstrap.test.ts", 11],
  ["test/worker/reconcile/access-entries.test.ts", 10],
  ["test/worker/reconcile/sign-in-entry.test.ts", 10],
  ["test/worker/reconcile/withdrawals.contract.test.ts", 10],
  ["test/bin/doctor.test.ts", 10],
  ["test/bin/migrate.test.ts", 9],
  ["test/slack/app/directory.test.ts", 9],
  ["test/slack/show/removed-cluster.test.ts", 9],
  ["test/sandbox/slack/bolt-socket.test.ts", 8],
  ["test/slack/app/guarded-receiver.test.ts", 8],
  ["test/aws/find-creation.test.ts", 6],
  ["test/aws/sts.test.ts", 6],
  ["test/deploy/shipped-redis.test.ts", 6],
  ["test/ledger/cluster-trouble.test.ts", 6],
  ["test/ledger/connect-cluster.test.ts", 6],
  ["test/ledger/connect-tls.test.ts", 6],
  ["test/worker/open-cluster.test.ts", 6],
  ["test/worker/reconcile/garbled-keys.contract.test.ts", 6],
  ["test/worker/reconcile/review-end.test.ts", 6],
  ["test/slack/ledger-down.test.ts", 5],
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
