import { parseDocument as parseYaml } from "yaml";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import { type Change, planChanges } from "../../src/aws-auth/plan.ts";

/** Sizes in entries; 6,000 of them make about 1 MiB, which is as much as a ConfigMap holds. */
const sizes = [10, 100, 1000, 6000];
const rounds = 15;

const account = "arn:aws:iam::111122223333:";
const change: Change = {
  type: "map",
  arn: `${account}role/newcomer`,
  username: "new:{{SessionName}}",
  groups: ["viewers"],
};

function roles(count: number): string {
  const entry = (index: number) =>
    `- rolearn: ${account}role/team-role-number-${index}\n  username: team:${index}:{{SessionName}}\n  groups:\n    - team-${index % 50}-developers\n    - viewers\n    - "quoted group"\n`;
  return Array.from({ length: count }, (_, index) => entry(index)).join("");
}

/** The middle of several runs, in milliseconds: the first ones warm the compiler up, and one may meet the collector. */
function median(run: () => unknown): number {
  const times = Array.from({ length: rounds }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0;
}

function measure(count: number) {
  const mapRoles = roles(count);
  const check = () => parseDocument({ mapRoles });
  return {
    entries: count,
    KiB: Math.round(mapRoles.length / 1024),
    "yaml, ms": median(() => parseYaml(mapRoles)),
    "check, ms": median(check),
    "read and plan, ms": median(() => planChanges(check(), [change])),
  };
}

const rows = sizes.map(measure);
const round = (value: number) => Math.round(value * 10) / 10;
console.table(rows.map((row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, round(value)]))));

const whole = rows.at(-1);
const goals = [
  ["check of 1 MiB, under 300 ms", whole?.["check, ms"] ?? 0, 300],
  ["reading and planning 1 MiB, under 300 ms each", whole?.["read and plan, ms"] ?? 0, 600],
  ["check, under 3 times what yaml takes to parse", whole?.["check, ms"] ?? 0, 3 * (whole?.["yaml, ms"] ?? 0)],
  ["reading and planning, under 3 times that", whole?.["read and plan, ms"] ?? 0, 3 * (whole?.["yaml, ms"] ?? 0)],
] as const;
for (const [goal, value, limit] of goals) {
  const isMet = value < limit;
  console.log(`${isMet ? "met" : "MISSED"}: ${goal} (${round(value)} of ${round(limit)} ms)`);
  if (!isMet) process.exitCode = 1;
}
