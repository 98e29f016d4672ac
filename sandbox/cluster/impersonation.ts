import type { SandboxRequest } from "../http-server.ts";
import type { Attributes, Authorize, User } from "./rbac.ts";

/** Who a request acts as, and what its sender needs to be allowed for it. */
export type Impersonation = { type: "none" } | { type: "as"; user: User } | { type: "refused"; attributes: Attributes };

/**
 * Reads the headers behind `kubectl --as` and `--as-group` (Kubernetes docs, "User impersonation"). An impersonated user
 * keeps nothing of its own: neither groups nor what the authenticator knew.
 */
export function impersonate(headers: SandboxRequest["headers"], authorize: Authorize, sender: User): Impersonation {
  const username = text(headers["impersonate-user"]);
  const groups = text(headers["impersonate-group"])
    .split(/, ?/)
    .filter((group) => group !== "");
  if (username === "") return { type: "none" };
  const wanted = [{ resource: "users", name: username }, ...groups.map((name) => ({ resource: "groups", name }))];
  for (const { resource, name } of wanted) {
    const attributes = { verb: "impersonate", group: "", resource, name };
    if (!authorize(sender, attributes).allowed) return { type: "refused", attributes };
  }
  return { type: "as", user: { username, groups: [...new Set([...groups, "system:authenticated"])] } };
}

/** Node joins a header that came several times with commas. */
function text(header: string | string[] | undefined): string {
  return Array.isArray(header) ? header.join(",") : (header ?? "");
}
