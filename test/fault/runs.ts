import { type FaultKind, faultKinds, hang } from "./fault-kinds.ts";
import type { Run } from "./play-run.ts";
import { type Step, steps } from "./steps.ts";

type Choice = Omit<Run, "name">;

const named = (choices: readonly Choice[]): Run[] =>
  choices.map((choice, index) => ({ name: `run-${index}`, ...choice }));

/** The end of a lease is announced before, by calls to the ledger and to Slack that would be counted with the others. */
const isOfTheEnd = ({ phase, call }: Step) => phase === "revoke" && !/^(redis|slack)\./.test(call);

/** Every step with every fault; at the end of the access, where it is revoked and where its time is over. */
export function everyRun(): Run[] {
  return named(
    steps.flatMap((step) =>
      [...faultKinds, hang]
        .filter((fault) => fault.appliesTo(step))
        .flatMap((fault): Choice[] => [
          { step, fault, ending: "revoked" },
          ...(isOfTheEnd(step) ? [{ step, fault, ending: "expired" } as const] : []),
        ]),
    ),
  );
}

/** Each fault but the slowest once, spread over the flow; an end of a lease; and what is refused for good. */
export function crossSection(): Run[] {
  return named([
    ...faultKinds.flatMap(spread),
    ...choose("revoke", "kubernetes.replace-configmap", "caller killed after", "expired"),
    ...choose("ask", "sts.AssumeRole", "422", "revoked"),
    ...choose("approve", "sts.AssumeRole", "422", "revoked"),
  ]);
}

/** A prime stride meets steps of each phase and of each service. */
function spread(fault: FaultKind, index: number): Choice[] {
  const struck = steps.filter(fault.appliesTo);
  const step = struck[(index * 7) % struck.length];
  return step ? [{ step, fault, ending: "revoked" }] : [];
}

function choose(phase: Step["phase"], call: string, name: string, ending: Run["ending"]): Choice[] {
  const step = steps.find((each) => each.phase === phase && each.call === call);
  const fault = faultKinds.find((each) => each.name === name);
  if (!step || !fault) throw new Error(`There is no ${phase}: ${call}, or no ${name}.`);
  return [{ step, fault, ending }];
}
