import type { Principal } from "../../aws-auth/index.ts";

/**
 * The username of an entry that we add. The prefix keeps it from meeting a name that RBAC already trusts; the
 * account keeps two people of the same name apart; a session name can hold no colon, so nobody can name himself
 * into somebody else.
 */
export function usernameFor(principal: Principal): string {
  const own = `eks-access:${principal.account}:${principal.name}`;
  return principal.kind === "role" ? `${own}:{{SessionName}}` : own;
}
