import type { AuthTestResponse } from "@slack/web-api";

export interface Installation {
  /** The workspace of the bot's token; for an organization its id. */
  readonly team: string;
  /** The Enterprise organization, if the app is installed for all of it; null: for one workspace. */
  readonly enterprise: string | null;
  /** The Enterprise organization of the workspace; null: none. */
  readonly organization: string | null;
}

export function installationOf({
  team_id: team = "",
  enterprise_id: enterprise,
  is_enterprise_install: isWide,
}: AuthTestResponse): Installation {
  return { team, enterprise: isWide && enterprise ? enterprise : null, organization: enterprise || null };
}

/**
 * Whether a payload comes from where the app is installed. Commands and events name the workspace by id, clicks and
 * forms as an object; an event of an organization's app has the organization's id.
 */
export function isFrom({ team, enterprise }: Installation, body: object): boolean {
  if (enterprise === null) return teamOf(body) === team;
  const [authorization] = listIn(field(body, "authorizations"));
  const named = [
    field(body, "enterprise_id"),
    field(field(body, "enterprise"), "id"),
    field(authorization, "enterprise_id"),
  ];
  return named.find((each) => typeof each === "string") === enterprise;
}

export function teamOf(body: object): unknown {
  return field(body, "team_id") ?? field(field(body, "team"), "id");
}

function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Object.getOwnPropertyDescriptor(value, name)?.value : undefined;
}
