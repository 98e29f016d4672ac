import type { SentConfigMap } from "../../cluster/config-map.ts";
import { account } from "../../scene.ts";

/** What people do to `aws-auth` with `kubectl edit`. Each is a pure function of the ConfigMap. */
type Edit = (configMap: SentConfigMap) => SentConfigMap;

const rolesOf = ({ data }: SentConfigMap): string => data?.mapRoles ?? "";

function withRoles(configMap: SentConfigMap, mapRoles: string): SentConfigMap {
  return { ...configMap, data: { ...configMap.data, mapRoles } };
}

/** A harmless comment, at the top. */
export const note: Edit = (configMap) => {
  const roles = rolesOf(configMap);
  const count = roles.match(/^# seen by the platform team/gm)?.length ?? 0;
  return withRoles(configMap, `# seen by the platform team${count > 0 ? `, ${count + 1} times` : ""}\n${roles}`);
};

const contractors = `# Until the audit is over
- rolearn: arn:aws:iam::${account}:role/auditors
  username: auditor:{{SessionName}}
  groups: [auditors]
`;

/** An entry of somebody else's, with a comment and a list in another style. */
export const addTeam: Edit = (configMap) =>
  withRoles(configMap, `${rolesOf(configMap).replace(/\n?$/, "\n")}${contractors}`);
export const removeTeam: Edit = (configMap) => withRoles(configMap, rolesOf(configMap).replace(contractors, ""));
export const hasTeam = (configMap: SentConfigMap | null): boolean =>
  rolesOf(configMap ?? { metadata: {} }).includes(contractors);

const slip = `- rolearn: "arn:aws:iam::${account}:role/ci\n`;

/** A quotation mark is left open: from here on nobody of the section can sign in. */
export const breakYaml: Edit = (configMap) =>
  withRoles(configMap, `${rolesOf(configMap).replace(/\n?$/, "\n")}${slip}`);
export const mendYaml: Edit = (configMap) => withRoles(configMap, rolesOf(configMap).replace(slip, ""));
export const isBroken = (configMap: SentConfigMap | null): boolean =>
  rolesOf(configMap ?? { metadata: {} }).includes(slip);

/** Takes a user's entries out of mapUsers, as if they were a mistake. */
export function removeUsers(configMap: SentConfigMap): SentConfigMap {
  const { mapUsers: _, ...data } = configMap.data ?? {};
  return { ...configMap, data };
}
