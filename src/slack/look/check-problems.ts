import type { KnownBlock } from "@slack/types";
import { counted } from "../../diagnosis/link.ts";
import type { GroupedProblems, ProblemGroup } from "../../diagnosis/problem-groups.ts";
import { code, context, cut, section, told } from "../blocks/mrkdwn.ts";

const marks = { error: "✗", warning: ":warning:", notice: "–" } as const;

/** `✗ 2 errors, 1 warning`. */
export function verdictOf({ counts }: Pick<GroupedProblems, "counts">): string {
  const { error, warning, notice } = counts;
  const found = [
    ...(error > 0 ? [counted(error, "error")] : []),
    ...(warning > 0 ? [counted(warning, "warning")] : []),
    ...(notice > 0 ? [counted(notice, "notice")] : []),
  ];
  if (found.length === 0) return "✓ nothing to mend";
  return `${error > 0 ? marks.error : "✓"} ${found.join(", ")}`;
}

/** A block for each kind of problem, and how many are left out. @param whole where all of them are told, to go on with */
export function problemBlocks({ groups, left }: GroupedProblems, whole: string): KnownBlock[] {
  const leftOut = context(`${counted(left, "problem")} of other kinds left out here${whole}`);
  return [...groups.map((group) => section(groupWords(group))), ...(left > 0 ? [leftOut] : [])];
}

function groupWords({ code: kind, severity, count, places, message, remedy }: ProblemGroup): string {
  const more = count > places.length ? ` and ${count - places.length} more` : "";
  const others = count > 1 ? ` (the first of ${count})` : "";
  const where = cut(`${places.join(", ")}${more}`, 300);
  return `${marks[severity]} *${code(kind, 60)}* ${code(where, 320)}\n${told(message, 350)}${others}\n      → ${told(remedy, 250)}`;
}
