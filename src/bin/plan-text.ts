import { styleText } from "node:util";
import type { PlanResult, Refusal } from "../aws-auth/plan.ts";
import { identityText } from "./check-text.ts";

type Style = Parameters<typeof styleText>[0];

/** A plan for people: the difference, who can do what before and after, and how much room is left. */
export function planText(result: PlanResult, refusal: Refusal | null, colour: boolean): string {
  const paint = (style: Style, text: string) => (colour ? styleText(style, text, { validateStream: false }) : text);
  if (refusal !== null || result.type === "refused") {
    return `${paint("red", "Refused:")} ${refusal?.message ?? ""} [${refusal?.code ?? ""}]\n`;
  }
  if (result.diff === "") return "Nothing to change: the document says so already.\n";
  const diff = result.diff.split("\n").map((line) => paintLine(line, paint));
  const access = result.differences.flatMap(({ arn, before, after }) => [
    paint("bold", arn),
    `  before: ${identityText(before)}`,
    `  after:  ${identityText(after)}`,
  ]);
  return [...diff, ...access, `${result.bytesLeft} bytes are left of the ConfigMap's 1 MiB.`, ""].join("\n");
}

function paintLine(line: string, paint: (style: Style, text: string) => string): string {
  if (line.startsWith("---") || line.startsWith("+++")) return paint("bold", line);
  if (line.startsWith("@@")) return paint("cyan", line);
  if (line.startsWith("+")) return paint("green", line);
  return line.startsWith("-") ? paint("red", line) : line;
}
