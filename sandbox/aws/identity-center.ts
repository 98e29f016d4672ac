import { hash } from "node:crypto";
import type { SandboxAccount } from "./sandbox-account.ts";

/** A user of the directory. Ids have the form of the real ones: `<10 hex digits>-<UUID>`. */
export interface DirectoryUser {
  id: string;
  userName: string;
  email: string;
  status: "ENABLED" | "DISABLED";
}

export interface Assignment {
  account: string;
  permissionSetArn: string;
  principalId: string;
  principalType: "USER" | "GROUP";
}

export class IdentityCenter {
  readonly instanceArn = "arn:aws:sso:::instance/ssoins-1234567890abcdef";
  readonly identityStoreId = "d-1234567890";
  readonly users = new Map<string, DirectoryUser>();
  readonly groups = new Map<string, readonly string[]>();
  readonly permissionSets = new Map<string, string>();
  readonly assignments: Assignment[] = [];
  readonly account: SandboxAccount;
  /** Only the management account may list assignments. */
  readonly managementAccount: string;
  readonly region: string;

  constructor(account: SandboxAccount, region: string) {
    this.account = account;
    this.managementAccount = account.id;
    this.region = region;
  }

  addUser(user: { userName: string; email: string }): string {
    const id = this.#newId(`user ${user.userName}`);
    this.users.set(id, { id, status: "ENABLED", ...user });
    return id;
  }

  addGroup(name: string, members: readonly string[]): string {
    const id = this.#newId(`group ${name}`);
    this.groups.set(id, members);
    return id;
  }

  addPermissionSet(name: string): string {
    const arn = `arn:aws:sso:::permissionSet/${this.instanceArn.split("/")[1]}/ps-${hex(`set ${name}`, 16)}`;
    this.permissionSets.set(arn, name);
    return arn;
  }

  /**
   * Makes the role in the account with an unpredictable suffix, as Identity Center does. @returns its ARN with its path
   */
  assign(
    permissionSetArn: string,
    account: string,
    principalId: string,
    suffix = hex(`${account} ${permissionSetArn}`, 16),
  ): string {
    const principalType = this.groups.has(principalId) ? "GROUP" : "USER";
    this.assignments.push({ account, permissionSetArn, principalId, principalType });
    const name = `AWSReservedSSO_${this.permissionSets.get(permissionSetArn)}_${suffix}`;
    const path = `/aws-reserved/sso.amazonaws.com/${this.region}/`;
    const arn = `arn:${this.account.partition}:iam::${account}:role${path}${name}`;
    return this.account.identity(arn)?.arn ?? this.account.addRole({ name, path, account }).arn;
  }

  #newId(what: string): string {
    const digits = hex(what, 32);
    const uuid = [digits.slice(0, 8), ...(digits.slice(8, 20).match(/.{4}/g) ?? []), digits.slice(20)].join("-");
    return `${this.identityStoreId.slice(2)}-${uuid}`;
  }
}

function hex(text: string, length: number): string {
  return hash("sha256", text).slice(0, length);
}
