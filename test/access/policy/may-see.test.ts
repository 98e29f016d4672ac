import { expect, test } from "vitest";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import { maySeeClusterMap } from "../../../src/access/policy/permissions.ts";
import { clusterRule } from "../../../src/access/policy/rule.ts";
import { aCluster } from "../../builders/a-cluster.ts";

const closed: Partial<Cluster> = { rules: [{ ...clusterRule, who: ["U0ENGINEER", "S0DEVELOPERS"] }] };
const emergency = { who: ["S0NIGHT"], level: "admin", durationSeconds: 60 };

test.each<[string, Partial<Cluster>, string, readonly string[], boolean]>([
  ["may ask for a level there", closed, "U0ENGINEER", [], true],
  ["is of a group that may", closed, "U0SOMEBODY", ["S0DEVELOPERS"], true],
  ["approves there", closed, "U0APPROVER", [], true],
  ["is on call for it", { ...closed, onCall: ["S0ONCALL"] }, "U0SOMEBODY", ["S0ONCALL"], true],
  ["may break its glass", { ...closed, breakGlass: emergency }, "U0SOMEBODY", ["S0NIGHT"], true],
  ["confirms links", closed, "U0ADMIN", [], true],
  ["is named nowhere", { ...closed, breakGlass: emergency }, "U0SOMEBODY", ["S0ONCALL"], false],
  ["is anybody, where anybody may ask", {}, "U0SOMEBODY", [], true],
])("a person who %s: do they see what is in aws-auth?", (_name, change, user, memberships, told) => {
  expect(maySeeClusterMap(aCluster(change), { user, memberships }, ["U0ADMIN"])).toBe(told);
});
