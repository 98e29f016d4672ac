/** Who gets in where a principal is given access: the authenticator and EKS compare the role, not the session. */
export type Admitted =
  /** One IAM user. */
  | { readonly type: "user"; readonly name: string }
  /** Everyone who can assume it. */
  | { readonly type: "role"; readonly name: string }
  /** Everyone who has it in this account: the role is one of IAM Identity Center. */
  | { readonly type: "permission-set"; readonly name: string; readonly account: string };

/** IAM Identity Center gives its roles names of this form. */
const identityCenterRole = /^AWSReservedSSO_(.+)_[0-9a-f]{16}$/;

/** Who gets in where this principal is given access. @param arn of a role or a user, as `readPrincipal` takes it */
export function admittedBy(arn: string): Admitted {
  const [, , , , account = ""] = arn.split(":");
  const name = arn.slice(arn.lastIndexOf("/") + 1);
  if (arn.includes(":user/")) return { type: "user", name };
  const set = identityCenterRole.exec(name)?.[1];
  return set === undefined ? { type: "role", name } : { type: "permission-set", name: set, account };
}

/** The same as a clause: `everyone who can assume Developer`. @param quoted how a name is written */
export function admittedInWords(admitted: Admitted, quoted: (name: string) => string = (name) => name): string {
  const name = quoted(admitted.name);
  if (admitted.type === "user") return `the IAM user ${name}`;
  if (admitted.type === "role") return `everyone who can assume ${name}`;
  return `everyone with the Identity Center permission set ${name} in account ${quoted(admitted.account)}`;
}
