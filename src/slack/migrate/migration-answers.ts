import { type MigrationRefusal, migrationApprovals } from "../../access/approval/decide-migration.ts";
import { clusterOfMigration, isMigrationOver, type Migration } from "../../access/migration/migration.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { counted } from "../../diagnosis/link.ts";
import { answer } from "../ask/answers.ts";
import type { Message } from "../blocks/message.ts";
import { code, mention, plainLine } from "../blocks/mrkdwn.ts";
import { migrationState } from "./migration-words.ts";

export function migrationAskedAnswer({ id, cluster }: Migration): Message {
  return answer(
    `Migration ${code(id)} of ${code(cluster)} is recorded. The worker plans it first, then the approvers are asked in their channel: ${migrationApprovals} of them have to approve it.`,
  );
}

/** Of one cluster there is one move at a time. */
export function migrationOpenAnswer(migration: Migration): Message {
  return answer(
    `${code(migration.id)} of ${mention(migration.requester)} is not over: ${migrationState(migration)}. Its message has the buttons.`,
  );
}

export function noMigrationAnswer(cluster: string): Message {
  return answer(`No migration of ${code(cluster)} is under way.`);
}

/** Nobody has asked for it, or its id was mistyped. */
export function noSuchMigrationAnswer(id: string): Message {
  return answer(`There is no migration ${code(id)}. Look at its message for the id.`);
}

/** A move is stopped by its cluster, of which there is one at a time: also by approvers, and between two steps. */
export function stopMigrationByAnswer(id: string): Message {
  const line = code(`/eks-access migrate ${clusterOfMigration(id)} withdraw`);
  return answer(`Nothing was changed. A migration is stopped by ${line}.`);
}

export function migrationDeniedAnswer({ id }: Pick<Migration, "id">): Message {
  return answer(`Migration ${code(id)} is denied. The requester gets your reason.`);
}

/** An approval that is one of two. */
export function migrationApprovedAnswer({ approvals, cluster }: Migration): Message {
  const left = counted(migrationApprovals - approvals.length, "more approval");
  return answer(`Your approval is recorded. It takes ${left}, of another approver of ${code(cluster)}.`);
}

export function migrationRetriedAnswer({ id }: Migration): Message {
  return answer(`Migration ${code(id)} is tried again now.`);
}

export function migrationWithdrawnAnswer(migration: Migration): Message {
  return answer(`${code(migration.id)}: ${migrationState(migration)}.`);
}

/** Why a click or a command on a move changed nothing. */
export function migrationRefusedAnswer(
  refusal: MigrationRefusal,
  migration: Migration,
  { name, quiet }: Cluster,
): Message {
  return answer(refusalWords(refusal, migration, name, quiet));
}

function refusalWords(refusal: MigrationRefusal, migration: Migration, name: string, quiet: Cluster["quiet"]): string {
  switch (refusal) {
    case "already-decided":
    case "over":
      return `Nothing was changed. ${code(migration.id)}: ${migrationState(migration)}.`;
    case "lapsed":
      return `Nothing was changed: ${code(migration.id)} has lapsed. Ask for it again with ${code(`/eks-access migrate ${name} ask`)}.`;
    case "not-an-approver":
      return `Approvers of ${code(name)} decide about this plan.`;
    case "no-plan":
      return `The worker has no plan to show yet. Decide when ${code(`/eks-access status ${migration.id}`)} shows it.`;
    case "plan-differs":
      return `Nothing was changed: the plan is another one now. Read it with ${code(`/eks-access status ${migration.id}`)}, and decide there.`;
    case "quiet":
      return `Nothing is approved on ${code(name)} now: it is quiet (${plainLine(quiet ?? "").replace(/\.$/, "")}). You can still deny.`;
    case "approved-already":
      return "You have approved this plan already. Another approver has to approve it too.";
    case "not-yours":
      return `Who asked for it, approvers of ${code(name)} and its on-call may do that.`;
    case "not-in-trouble":
      return isMigrationOver(migration)
        ? `${code(migration.id)} is over.`
        : `${code(migration.id)} is under way: ${migrationState(migration)}.`;
  }
}
