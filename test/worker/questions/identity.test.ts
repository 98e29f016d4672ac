import { expect, test } from "vitest";
import { workerRuns } from "../../../src/worker/worker.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";

const workerSide = useWorkerSide();

test("a worker says who it is, or why AWS does not name it", async () => {
  const ledger = memoryLedger();
  const context = { ...workerSide().context(ledger), isBegunBefore: false };
  const ask = () => workerRuns.identity({ type: "identity" }, context);

  const well = await ask();
  workerSide().sandbox.faults.plan("sts.GetCallerIdentity", { type: "cut-before" }, { times: 10 });
  const silent = await ask();

  expect(well).toEqual({ trouble: null });
  expect(await ledger.workerIdentity()).toMatchObject({ arn: expect.stringContaining("eks-access-worker") });
  expect(silent).toEqual({
    trouble: expect.stringMatching(/^Can't reach AWS for sts:GetCallerIdentity .* network path\.$/),
  });
});
