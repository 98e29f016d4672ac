import { takeEmergency } from "../../src/access/emergency.ts";
import type { Cluster } from "../../src/access/policy/cluster.ts";
import type { EmergencyRequest } from "../../src/access/record.ts";
import { aCluster } from "./a-cluster.ts";
import { aRequest } from "./a-request.ts";
import { type BothKeys, keys } from "./keys.ts";
import { at, minutes } from "./times.ts";

/** `staging`, on which `U0ENGINEER` and the user group `S0ONCALL` may take emergency access, `admin`, for an hour. */
export function anEmergencyCluster(change: Partial<Cluster> = {}): Cluster {
  return aCluster({
    breakGlass: { who: ["U0ENGINEER", "S0ONCALL"], level: "admin", durationSeconds: 3600 },
    ...change,
  });
}

/** The emergency access of `U0ENGINEER` after two minutes, with a seal that holds. */
export function anEmergency(change: Partial<EmergencyRequest> = {}, from: BothKeys = keys): EmergencyRequest {
  const cluster = anEmergencyCluster();
  const level = cluster.levels.find(({ name }) => name === "admin");
  if (!level) throw new Error("The builder's cluster offers no admin.");
  const asked = aRequest({ level: "admin", groups: level.groups, durationSeconds: 3600, reason: "checkout is down" });
  const person = { user: asked.requester, memberships: [] };
  return { ...takeEmergency(asked, cluster, level, person, from.decision, at(minutes(2))), ...change };
}
