import { setTimeout as wait } from "node:timers/promises";
import type { KillableProduct } from "./killable-product.ts";
import type { Strike } from "./play-run.ts";

/** Long enough for every client to notice that Redis is away, and to try again in vain. */
const cutOffMs = 1_000;

export interface ArmedFault {
  /** Revokes it. Whether it struck; where it did, everything that it killed runs again. */
  over: () => Promise<boolean>;
}

/** Lets the fault strike at the step's call, once, and brings back at once what it kills. */
export function armFault(product: KillableProduct, { step, fault }: Strike): ArmedFault {
  const { faults } = product.sandbox;
  const { answer, times } = fault.answer(step);
  const planned: { cancel: () => void }[] = [];
  let revived: Promise<void> | null = null;
  const onStrike = async () => {
    if (revived) return;
    const struck = fault.strike?.(product, step) ?? Promise.resolve();
    revived = fault.strike ? struck.then(() => wait(cutOffMs)).then(() => product.revive()) : struck;
    // The caller that removes the fault gets its failure, even if the run itself failed before.
    revived.catch(() => {});
    await struck;
  };
  const arm = () => void planned.push(faults.plan(step.call, answer, { nth: step.nth, times, onStrike }));
  if (step.after === undefined) arm();
  else planned.push(faults.plan(step.after, { type: "watch" }, { onStrike: arm }));
  return {
    over: async () => {
      for (const each of planned) each.cancel();
      await revived;
      return revived !== null;
    },
  };
}
