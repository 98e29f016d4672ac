import { isObject } from "../json.ts";
import { nameProblems } from "./bindings.ts";
import { type ObjectKind, required, type Stored } from "./object-kind.ts";
import type { PolicyRule, Role } from "./rbac.ts";
import { badRequest, type FieldProblem } from "./status.ts";

const group = "rbac.authorization.k8s.io";

/** The content of a Role or ClusterRole. The sandbox knows no aggregated ones. */
export interface RoleContent {
  rules?: readonly PolicyRule[];
}

export const roleKind = kindOf("Role", "roles");
export const clusterRoleKind = kindOf("ClusterRole", "clusterroles");

function kindOf(kind: "Role" | "ClusterRole", resource: string): ObjectKind<RoleContent> {
  return {
    ...{ group, apiVersion: `${group}/v1`, kind, resource, namespaced: kind === "Role", createsOnUpdate: true },
    decode: ({ rules }) => {
      const list = rules ?? [];
      if (!Array.isArray(list) || !list.every(isObject)) {
        return badRequest(`${kind} in version "v1" cannot be handled as a ${kind}: json: cannot unmarshal`);
      }
      return contentOf({ rules: list.map(readRule) });
    },
    contentOf,
    nameProblems,
    problems: ({ rules = [] }) => rules.flatMap((rule, index) => ruleProblems(rule, `rules[${index}]`)),
    updateProblems: () => [],
  };
}

function contentOf({ rules = [] }: RoleContent): RoleContent {
  return rules.length > 0 ? { rules } : {};
}

const lists = ["apiGroups", "resources", "resourceNames", "nonResourceURLs"] as const;

function readRule(value: Record<string, unknown>): PolicyRule {
  const textsOf = (list: unknown) => (Array.isArray(list) ? list.map(String) : []);
  const named = lists.flatMap((name) => (textsOf(value[name]).length > 0 ? [[name, textsOf(value[name])]] : []));
  return { verbs: textsOf(value.verbs), ...Object.fromEntries(named) };
}

/** kubernetes, pkg/apis/rbac/validation, ValidatePolicyRule. */
function ruleProblems({ verbs, apiGroups, resources, nonResourceURLs }: PolicyRule, at: string): FieldProblem[] {
  const missing = (field: string, why: string): FieldProblem => ({
    ...{ field: `${at}.${field}`, reason: "FieldValueRequired", why: required(why) },
  });
  const ofResources = nonResourceURLs
    ? []
    : [
        ...(apiGroups ? [] : [missing("apiGroups", "resource rules must supply at least one api group")]),
        ...(resources ? [] : [missing("resources", "resource rules must supply at least one resource")]),
      ];
  return [...(verbs.length > 0 ? [] : [missing("verbs", "verbs must contain at least one value")]), ...ofResources];
}

export function roleOfObject({ metadata: { name, namespace }, rules = [] }: Stored<RoleContent>): Role {
  return { name, ...(namespace === undefined ? {} : { namespace }), rules };
}
