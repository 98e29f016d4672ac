import { parseDocument as parseYaml } from "yaml";
import type { Change } from "../../src/access/principal.ts";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import { planChanges } from "../../src/aws-auth/plan.ts";
import { atMost, atMostTimes, type Figure, type Scale } from "./figure.ts";

/** About 1 MiB, which is as much as a ConfigMap holds. */
const most = 6000;
const account = "arn:aws:iam::111122223333:";
const change: Change = {
  type: "map",
  arn: `${account}role/newcomer`,
  username: "new:{{SessionName}}",
  groups: ["viewers"],
};

/** How long it takes to check and to plan documents of growing size, beside what the yaml library needs to parse them. */
export async function measureAwsAuth(scale: Scale): Promise<readonly Figure[]> {
  const sizes = scale === "small" ? [10, 100] : [10, 100, 1000, most];
  const rounds = scale === "small" ? 3 : 21;
  return sizes.flatMap((entries) => measureSize(entries, rounds));
}

function measureSize(entries: number, rounds: number): Figure[] {
  const mapRoles = roles(entries);
  const document = parseDocument({ mapRoles });
  const [yaml, check, plan] = medians(rounds, [
    () => parseYaml(mapRoles),
    () => parseDocument({ mapRoles }),
    () => planChanges(document, [change]),
  ]);
  return [
    figure(`check of ${entries} entries`, entries, check, yaml),
    figure(`plan for ${entries} entries`, entries, plan, yaml),
  ];
}

function figure(name: string, entries: number, value = 0, yaml = 0): Figure {
  const target = value > 300 ? atMost(300, value) : atMostTimes(3, value, yaml);
  return {
    name,
    value,
    unit: "ms",
    reference: { name: "yaml parses it", value: yaml },
    target: entries === most ? target : undefined,
  };
}

function roles(count: number): string {
  const entry = (index: number) =>
    `- rolearn: ${account}role/team-role-number-${index}\n  username: team:${index}:{{SessionName}}\n` +
    `  groups:\n    - team-${index % 50}-developers\n    - viewers\n    - "quoted group"\n`;
  return Array.from({ length: count }, (_, index) => entry(index)).join("");
}

/** The median of each run's times, in milliseconds. The runs take turns, so that a busy moment strikes all of them. */
function medians(rounds: number, runs: readonly (() => unknown)[]): number[] {
  const times = runs.map(() => [] as number[]);
  for (let round = 0; round < rounds; round++) {
    for (const [index, run] of runs.entries()) {
      const start = performance.now();
      run();
      times[index]?.push(performance.now() - start);
    }
  }
  return times.map((all) => all.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0);
}
