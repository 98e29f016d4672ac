import { styleText } from "node:util";
import type { PlannedText, Refusal, RefusedPlan, Repair } from "../aws-auth/index.ts";
import { identityText } from "./check-text.ts";

type Paint = (style: "bold" | "cyan" | "green" | "red", text: string) => string;

/** A plan for people: the difference, who can do what before and after, and how much room is left. */
export function planText(result: PlannedText | RefusedPlan, refusal: Refusal | null, colour: boolean): string {
  const paint = painter(colour);
  if (result.type === "refused") return refusalText(result.refusal, paint);
  if (refusal !== null) return refusalText(refusal, paint);
  if (result.diff === "") return "Nothing to change: the document says so already.\n";
  const access = result.differences.flatMap(({ arn, before, after }) => [
    paint("bold", arn),
    `  before: ${identityText(before)}`,
    `  after:  ${identityText(after)}`,
  ]);
  const room = `${result.bytesLeft} bytes are left of the ConfigMap's 1 MiB.`;
  return [...diffLines(result.diff, paint), ...access, room, ""].join("\n");
}

/** Ways to mend what was wrong before, each under the number that asks for it. */
export function repairsText(repairs: readonly Repair[], path: string, colour: boolean): string {
  const paint = painter(colour);
  if (repairs.length === 0) return "There is nothing that could be mended without asking what was meant.\n";
  const lines = repairs.flatMap(({ code, line, message, plan }, index) => [
    `${paint("bold", `${index + 1}.`)} ${path}:${line}: ${message} [${code}]`,
    ...diffLines(plan.diff, paint),
  ]);
  return lines.join("\n");
}

function painter(colour: boolean): Paint {
  return (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text);
}

function refusalText({ code, message }: Refusal, paint: Paint): string {
  return `${paint("red", "Refused:")} ${message} [${code}]\n`;
}

function diffLines(diff: string, paint: Paint): string[] {
  return diff.split("\n").map((line) => {
    if (line.startsWith("---") || line.startsWith("+++")) return paint("bold", line);
    if (line.startsWith("@@")) return paint("cyan", line);
    if (line.startsWith("+")) return paint("green", line);
    return line.startsWith("-") ? paint("red", line) : line;
  });
}
