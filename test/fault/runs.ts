import { type FaultKind, faultKinds, hang } from "./fault-kinds.ts";
import type { Run, Strike } from "./play-run.ts";
import { accessEntrySteps, bindingSteps, phases, type Step, steps } from "./steps.ts";

const endings = ["revoked", "expired"] as const;

interface Choice extends Strike, Pick<Run, "ending"> {}

const named = (runs: readonly Omit<Run, "name">[]): Run[] =>
  runs.map((run, index) => ({ name: `run-${index}`, ...run }));

/** Each in a run of its own: what goes wrong is due to this fault alone. */
const apart = (choices: readonly Choice[]): Run[] =>
  named(choices.map(({ ending, ...strike }) => ({ strikes: [strike], ending })));

/** As few runs as hold all of them, one in a phase: after each phase everything is at rest, and is judged. */
function together(choices: readonly Choice[]): Run[] {
  const runs = endings.flatMap((ending) => {
    const inPhases = phases.map((phase) =>
      choices.filter((choice) => choice.ending === ending && choice.step.phase === phase),
    );
    return Array.from({ length: Math.max(...inPhases.map(({ length }) => length)) }, (_, index) => ({
      strikes: inPhases.flatMap((each) => each.slice(index, index + 1)),
      ending,
    }));
  });
  return named(runs);
}

/** The end of a lease is announced before, by calls to the ledger and to Slack that would be counted with the others. */
const isOfTheEnd = ({ phase, call }: Step) => phase === "revoke" && !/^(redis|slack)\./.test(call);

function endingsOf(step: Step): readonly Run["ending"][] {
  if (step.ending) return [step.ending];
  return isOfTheEnd(step) ? endings : ["revoked"];
}

/** Every step with every fault; at the end of the access, where it is revoked and where its time is over. */
export function everyRun(all: readonly Step[] = steps, faults: readonly FaultKind[] = [...faultKinds, hang]): Run[] {
  return apart(
    all.flatMap((step) =>
      faults
        .filter((fault) => fault.appliesTo(step))
        .flatMap((fault): Choice[] => endingsOf(step).map((ending) => ({ step, fault, ending }))),
    ),
  );
}

/** Each fault but the slowest once, spread over the flow; an end of a lease; and what is refused for good. */
export function crossSection(): Run[] {
  return together([
    ...faultKinds.flatMap((fault, index) => spread(steps, fault, index)),
    ...choose("revoke", "kubernetes.replace-configmap", "caller killed after", "expired"),
    ...choose("ask", "sts.AssumeRole", "422", "revoked"),
    ...choose("approve", "sts.AssumeRole", "422", "revoked"),
  ]);
}

/** Where one of these fails it is sent again, and the end of the lease waits for minutes: the long form plays them. */
const waits = /^(?:kubernetes\.replace-configmap|kubernetes\.create-clusterrolebinding)$/;
const isQuick = ({ phase, call, after }: Step) => phase !== "approve" || !(waits.test(call) || waits.test(after ?? ""));

/** What strikes between a binding and its entry. Refusals and the rest of the flow are those of the section above. */
export const bindingFaults: readonly FaultKind[] = faultKinds.filter(({ name }) =>
  /^(?:409|cut-|caller killed)/.test(name),
);

/** These of leases by bindings, and a worker that dies between the end of the binding and that of the entry. */
export function bindingSection(): Run[] {
  const quick = bindingSteps.filter(isQuick);
  return together([
    ...bindingFaults.flatMap((fault) => spread(quick, fault, faultKinds.indexOf(fault))),
    ...choose("revoke", "kubernetes.delete-clusterrolebinding", "caller killed after", "revoked", bindingSteps),
  ]);
}

/** Every step with what strikes between a binding and its access entry. A call that was sent again delays the end for minutes. */
export function everyAccessEntryRun(): Run[] {
  return everyRun(accessEntrySteps, bindingFaults);
}

/** A worker that dies before a proof is recorded, and before and after it removes the access entry. */
export function accessEntrySection(): Run[] {
  const revoked = "revoked";
  return together([
    ...choose("approve", "redis.commit", "caller killed before", revoked, accessEntrySteps),
    ...choose("revoke", "eks.DeleteAccessEntry", "caller killed before", revoked, accessEntrySteps),
    ...choose("revoke", "eks.DeleteAccessEntry", "caller killed after", revoked, accessEntrySteps),
  ]);
}

/** A prime stride meets steps of each phase and of each service. */
function spread(all: readonly Step[], fault: FaultKind, index: number): Choice[] {
  const struck = all.filter(fault.appliesTo);
  const step = struck[(index * 7) % struck.length];
  return step ? [{ step, fault, ending: step.ending ?? "revoked" }] : [];
}

function choose(phase: Step["phase"], call: string, name: string, ending: Run["ending"], all = steps): Choice[] {
  const step = all.find((each) => each.phase === phase && each.call === call);
  const fault = faultKinds.find((each) => each.name === name);
  if (!step || !fault) throw new Error(`There is no ${phase}: ${call}, or no ${name}.`);
  return [{ step, fault, ending }];
}
