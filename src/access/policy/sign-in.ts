import { withoutRolePath } from "../../aws-auth/index.ts";
import type { Cluster } from "./cluster.ts";
import { fits } from "./may-ask.ts";

/** Which role of IAM a principal is, or why the worker does not become it. */
export type SignInWay =
  | { readonly type: "role"; readonly roleArn: string; readonly externalId?: string | undefined }
  /** A clause for people. */
  | { readonly type: "not tested"; readonly why: string };

/**
 * As what the worker may become a principal. A document names a role without its path and STS wants it with: the first
 * setting that the name fits says which path it has.
 *
 * @param principal as aws-auth would have it, a role without its path
 */
export function signInWay({ signIn, name }: Pick<Cluster, "signIn" | "name">, principal: string): SignInWay {
  if (principal.includes(":user/")) {
    return notTested("sign-in can't be tested for IAM users");
  }
  const pattern = signIn.roles.find((each) => fits(withoutRolePath(each), principal));
  if (pattern === undefined) {
    return notTested(
      `the worker may not become this role: an operator can name it in signIn.roles of ${name} in eks-access.yml`,
    );
  }
  const path = pattern.slice(pattern.indexOf(":role/") + 5, pattern.lastIndexOf("/") + 1);
  const roleArn = principal.replace(":role/", `:role${path}`);
  return { type: "role", roleArn, ...(signIn.externalId && { externalId: signIn.externalId }) };
}

function notTested(why: string): SignInWay {
  return { type: "not tested", why };
}
