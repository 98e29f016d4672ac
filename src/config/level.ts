import type { Level } from "../access/policy/cluster.ts";
import { policyTexts } from "../access/policy/policy-text.ts";
import type { ConfigFile } from "./config-file.ts";

/** A level of the file, with its access policy among what it gives. */
export function buildLevel(name: string, level: ConfigFile["levels"][string]): Level {
  const { groups, policy, namespaces = null } = level;
  const policies = policy === undefined ? [] : policyTexts({ name: policy, namespaces });
  return { name, groups: [...groups, ...policies], maxDurationSeconds: level.maxDuration, verify: level.verify };
}
