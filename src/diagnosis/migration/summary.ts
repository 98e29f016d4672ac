import { asPlanned } from "../../access/lease/drift.ts";
import { giveEntryStep, type MigrationSummary, type StepSummary } from "../../access/migration.ts";
import type { MigrationStep, WantedEntry } from "./facts.ts";
import type { Outcome } from "./item-outcome.ts";
import type { MigrationPlan } from "./plan.ts";

export function summarizeMigration(plan: MigrationPlan): MigrationSummary {
  const { mode, outcomes, steps, keptBecause, before, digest } = plan;
  const items = outcomes.map(({ item, outcome }) => {
    const place = `${item.section} line ${item.line}`;
    return { place, arn: item.arn, outcome: outcome.type, sentences: sentencesOf(outcome) };
  });
  const named = steps.map((step) => ({ name: stepName(step), ...wordsOf(step) }));
  return { mode, items, steps: named, keptBecause, before, digest };
}

function sentencesOf(outcome: Outcome): readonly string[] {
  switch (outcome.type) {
    case "moves":
      return [
        `${outcome.isDone ? "Has its access entry" : "Gets an access entry"}: ${who(outcome.wanted)}.`,
        ...outcome.instead,
        ...outcome.notes,
      ];
    case "stays":
      return [outcome.why, outcome.remedy];
    case "unmatched":
      return ["This entry matches no caller.", ...(outcome.why ? [outcome.why] : [])];
    case "waits":
      return [`Waits until ${outcome.until}. ${outcome.note}`];
    default:
      return [outcome.note];
  }
}

function who({ principalArn, username, groups, isAdmin }: WantedEntry): string {
  const given = [...groups, ...(isAdmin ? ["AmazonEKSClusterAdminPolicy"] : [])];
  return `${principalArn} as ${username}, ${given.length > 0 ? given.join(", ") : "no groups"}`;
}

/** The name of a step in the ledger and the audit log: the same in each plan of the same migration. */
export function stepName(step: MigrationStep): string {
  return step.type === "give-entry" ? giveEntryStep(step.wanted.principalArn) : step.type;
}

function wordsOf(step: MigrationStep): Omit<StepSummary, "name"> {
  switch (step.type) {
    case "switch-mode":
      return {
        does: "Switch the authentication mode to API_AND_CONFIG_MAP.",
        proof: "aws-auth is unchanged. EKS reports API_AND_CONFIG_MAP.",
        undo: "EKS can't switch back to CONFIG_MAP.",
      };
    case "give-entry":
      return {
        does: `Create the access entry of ${who(step.wanted)}.${step.wanted.isAdmin ? " Its policy counts one call later." : ""}`,
        proof: `${asPlanned("the access entry")} It has the same rights.`,
        undo: `Delete the access entry of ${step.wanted.principalArn}.`,
      };
    case "remove-from-aws-auth":
      return {
        does: `Remove ${step.arns.length === 1 ? "this item" : `these ${step.arns.length} items`} from aws-auth: ${step.arns.join(", ")}.`,
        proof: `Each access entry is there. ${asPlanned("aws-auth")}`,
        undo: "Add the items to aws-auth again.",
      };
  }
}
