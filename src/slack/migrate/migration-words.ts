import { migrationApprovals } from "../../access/approval/decide-migration.ts";
import type { Migration } from "../../access/migration/migration.ts";
import { counted } from "../../diagnosis/link.ts";
import { code, mention, plainLine, time, told } from "../blocks/mrkdwn.ts";

/** Who asks for what. */
export function migrationTitle({ requester, cluster }: Migration): string {
  return `${mention(requester)} asks to move ${code(cluster)} from aws-auth to access entries`;
}

/** The state of a move in a few words, with who and when. Says nothing that is not true yet (law 5). */
export function migrationState(migration: Migration): string {
  const { approvals, denial, withdrawal, refusal, plan } = migration;
  switch (migration.state) {
    case "pending":
      if (!plan) return "Looking at the cluster";
      if (approvals.length === 0) return `Waiting for ${migrationApprovals} approvals, of different people`;
      return `Approved by ${approversOf(migration)}. Waiting for another approver`;
    case "running":
      return `Approved by ${approversOf(migration)}. ${progressOf(migration)}`;
    case "done":
      return `Approved by ${approversOf(migration)}. *Done* ${time(migration.endedAt ?? "")}. ${lastStep(migration)}`;
    case "denied":
      return `Denied by ${mention(denial?.by ?? "")}: ${plainLine(denial?.why ?? "", 600)}`;
    case "withdrawn": {
      const why = withdrawal?.why ? `: ${plainLine(withdrawal.why, 300)}` : "";
      return `*Stopped* by ${mention(withdrawal?.by ?? "")}${why}. ${whatStays(migration)}`;
    }
    case "lapsed":
      return `*Lapsed* ${time(migration.endedAt ?? migration.lapsesAt)}. ${whatStays(migration)}`;
    case "refused":
      return `Refused: ${told(refusal?.message ?? "", 1500)}`;
  }
}

function approversOf({ approvals }: Migration): string {
  return approvals.map(({ by, at }) => `${mention(by)} ${time(at)}`).join(", ");
}

function progressOf({ begun, settlesAt, done, plan }: Migration): string {
  const count = `${done.length} of ${plan?.summary.steps.length ?? 0} steps`;
  if (begun) return `Carrying it out: ${count}, now ${code(begun.name, 200)}`;
  if (settlesAt) return `Carrying it out: ${count}. Nothing goes out of aws-auth before ${time(settlesAt)}`;
  return `Carrying it out: ${count}`;
}

/** What was carried out is not taken back: who stops it has to know what it is, and how to go on. */
function whatStays({ done, cluster, begun }: Migration): string {
  if (begun) return `The step ${code(begun.name, 200)} had begun, and is seen to`;
  if (done.length === 0) return "Nothing was changed";
  const on = code(`/eks-access migrate ${cluster} ask`);
  return `${counted(done.length, "step")} carried out, which stay: whoever could sign in before still can. ${on} goes on from there`;
}

/** The mode is never switched to API by us: there is no way back from it, and nobody reads aws-auth then. */
function lastStep({ plan, cluster }: Migration): string {
  const before = plan?.summary.before.length ?? 0;
  const left =
    before > 0 ? `${counted(before, "item")} of aws-auth would be lost by it` : "Nothing needs aws-auth any more";
  return `The mode ${code("API")} is an operator's own step, which can't be taken back. ${left}: ${code(`/eks-access migrate ${cluster}`)} says how`;
}

/** What failed, how to mend it, and when it is tried again; null: nothing did. @param maxLength of the failure, in characters */
export function migrationTrouble({ trouble, done }: Migration, maxLength = 1200): string | null {
  if (!trouble) return null;
  const stays = done.length > 0 ? " What was carried out stays." : "";
  return `:warning: ${told(trouble.message, maxLength)}${stays} It is tried again ${time(trouble.retryAt)}.`;
}
