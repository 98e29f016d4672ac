import { isObject } from "../json.ts";
import { invalidValue, type ObjectKind, required } from "./object-kind.ts";
import { type BindingContent, type RoleRef, rbacGroup, type Subject } from "./rbac.ts";
import { badRequest, type FieldProblem } from "./status.ts";

export const roleBindingKind = bindingKind("RoleBinding", "rolebindings", ["Role", "ClusterRole"]);
export const clusterRoleBindingKind = bindingKind("ClusterRoleBinding", "clusterrolebindings", ["ClusterRole"]);

/** @param roles the kinds of roles that it can bind */
function bindingKind(kind: string, resource: string, roles: readonly string[]): ObjectKind<BindingContent> {
  const namespaced = kind === "RoleBinding";
  return {
    ...{ group: rbacGroup, apiVersion: `${rbacGroup}/v1`, kind, resource, namespaced, createsOnUpdate: true },
    decode: ({ roleRef = {}, subjects }) => {
      const list = subjects ?? [];
      if (!isObject(roleRef) || !Array.isArray(list) || !list.every(isObject)) {
        return badRequest(`${kind} in version "v1" cannot be handled as a ${kind}: json: cannot unmarshal`);
      }
      const read = readRole(roleRef);
      return list.length > 0 ? { roleRef: read, subjects: list.map(readSubject) } : { roleRef: read };
    },
    nameProblems,
    problems: ({ roleRef, subjects = [] }) => [
      ...roleProblems(roleRef, roles),
      ...subjects.flatMap((subject, index) => subjectProblems(subject, `subjects[${index}]`, namespaced)),
    ],
    updateProblems: (before, { roleRef }) => {
      const isSame = Object.entries(before.roleRef).every(([key, value]) => roleRef[key as keyof RoleRef] === value);
      const why = `Invalid value: ${JSON.stringify(roleRef)}: cannot change roleRef`;
      return isSame ? [] : [{ field: "roleRef", reason: "FieldValueInvalid", why }];
    },
  };
}

const textOf = (value: unknown) => (typeof value === "string" ? value : "");

/** The default for an absent group is RBAC's (kubernetes, pkg/apis/rbac/v1, SetDefaults). */
function readRole({ apiGroup, kind, name }: Record<string, unknown>): RoleRef {
  return { apiGroup: textOf(apiGroup) || rbacGroup, kind: textOf(kind), name: textOf(name) };
}

function readSubject({ apiGroup, kind, name, namespace }: Record<string, unknown>): Subject {
  const usual = kind === "User" || kind === "Group" ? rbacGroup : "";
  const ownGroup = textOf(apiGroup) || usual;
  return {
    kind: textOf(kind),
    ...(ownGroup === "" ? {} : { apiGroup: ownGroup }),
    name: textOf(name),
    ...(textOf(namespace) === "" ? {} : { namespace: textOf(namespace) }),
  };
}

/** Names of RBAC are parts of a path (apimachinery, IsValidPathSegmentName). */
export function nameProblems(name: string): string[] {
  if (name === "." || name === "..") return [`may not be '${name}'`];
  return ["/", "%"].filter((sign) => name.includes(sign)).map((sign) => `may not contain '${sign}'`);
}

/** kubernetes, pkg/apis/rbac/validation, ValidateRoleBinding. */
function roleProblems({ apiGroup, kind, name }: RoleRef, roles: readonly string[]): FieldProblem[] {
  return [
    ...supported("roleRef.apiGroup", apiGroup, [rbacGroup]),
    ...supported("roleRef.kind", kind, roles),
    ...needed("roleRef.name", name),
    ...nameProblems(name).map((why) => invalidValue("roleRef.name", name, why)),
  ];
}

/** ValidateRoleSubject. */
function subjectProblems(subject: Subject, at: string, namespaced: boolean): FieldProblem[] {
  const { kind, apiGroup = "", name, namespace = "" } = subject;
  const isAccount = kind === "ServiceAccount";
  const isKnown = isAccount || kind === "User" || kind === "Group";
  return [
    ...needed(`${at}.name`, name),
    ...(isKnown ? supported(`${at}.apiGroup`, apiGroup, [isAccount ? "" : rbacGroup]) : []),
    ...(isAccount && !namespaced ? needed(`${at}.namespace`, namespace) : []),
    ...supported(`${at}.kind`, kind, ["ServiceAccount", "User", "Group"]),
  ];
}

function needed(field: string, value: string): FieldProblem[] {
  return value === "" ? [{ field, reason: "FieldValueRequired", why: required() }] : [];
}

function supported(field: string, value: string, values: readonly string[]): FieldProblem[] {
  if (values.includes(value)) return [];
  const why = `Unsupported value: "${value}": supported values: ${values.map((each) => `"${each}"`).join(", ")}`;
  return [{ field, reason: "FieldValueNotSupported", why }];
}
