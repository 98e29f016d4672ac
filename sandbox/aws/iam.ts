import type { SandboxAnswer, SandboxRequest } from "../http-server.ts";
import type { AwsContext } from "./context.ts";
import { mayCall } from "./identities.ts";
import { stsError } from "./refusal.ts";
import { verifySignature } from "./signature.ts";
import { stsParams, xmlAnswer } from "./sts.ts";

/** IAM and STS share a protocol; the version tells them apart. */
export const iamVersion = "2010-05-08";

const namespace = "https://iam.amazonaws.com/doc/2010-05-08/";

/** Answers GetRole as IAM does (IAM API reference). It knows only the roles of the caller's account. */
export function answerIam(context: AwsContext, request: SandboxRequest): SandboxAnswer {
  const asked = stsParams(request);
  const signed = verifySignature(request, "iam", context);
  if (signed.type === "refused") return stsError(signed.code, signed.message, signed.status);
  const { caller } = signed;
  const by = caller.arn;
  const action = asked.get("Action");
  if (action !== "GetRole") {
    return { ...stsError("InvalidAction", `Could not find operation ${action} for version ${iamVersion}`), by };
  }
  const name = asked.get("RoleName") ?? "";
  const { accountId } = caller.identity;
  const role = context.account.role(accountId, name);
  const resource = role?.arn ?? `arn:${context.account.partition}:iam::${accountId}:role/${name}`;
  if (!mayCall(caller, "iam:GetRole", resource)) {
    const message = `User: ${by} is not authorized to perform: iam:GetRole on resource: role ${name}`;
    return { ...stsError("AccessDenied", message, 403), by };
  }
  if (!role) return { ...stsError("NoSuchEntity", `The role with name ${name} cannot be found.`, 404), by };
  const Role = {
    Path: role.arn.slice(role.arn.indexOf(":role/") + 5, role.arn.lastIndexOf("/") + 1),
    AssumeRolePolicyDocument: encodeURIComponent(JSON.stringify({ Version: "2012-10-17", Statement: [] })),
    RoleId: role.id,
    RoleName: name,
    Arn: role.arn,
    CreateDate: role.createdAt.toISOString().replace(".000Z", "Z"),
    MaxSessionDuration: String(role.maxSessionSeconds),
  };
  return { ...xmlAnswer("GetRole", { Role }, crypto.randomUUID(), namespace), by };
}
