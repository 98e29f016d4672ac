import type { JsonObject } from "../../json.ts";
import type { SandboxUser } from "../inputs.ts";
import { personWith, type SlackState } from "../state.ts";
import { type Methods, neededText, SlackRefusal } from "./method.ts";

/** @see https://docs.slack.dev/reference/methods/users.info and its neighbours */
export const peopleMethods: Methods = {
  "auth.test": { limit: "tier 4", answer: authTest },
  "users.info": { scope: "users:read", limit: "tier 4", answer: usersInfo },
  "usergroups.list": { scope: "usergroups:read", limit: "tier 2", answer: usergroupsList },
  "usergroups.users.list": { scope: "usergroups:read", limit: "tier 2", answer: usergroupUsers },
};

function authTest({ identity, organization }: SlackState): JsonObject {
  return {
    url: `https://${identity.teamDomain}.slack.com/`,
    team: identity.teamDomain,
    user: "eks-access",
    team_id: identity.teamId,
    user_id: identity.botUserId,
    bot_id: identity.botId,
    ...(organization && { enterprise_id: organization.id }),
    is_enterprise_install: false,
  };
}

function usersInfo(state: SlackState, args: JsonObject): JsonObject {
  const id = neededText(args, "user", "user_not_found");
  if (id === state.identity.botUserId) return { user: botJson(state) };
  const person = personWith(state, id);
  if (person === undefined) throw new SlackRefusal("user_not_found");
  return { user: userJson(state, person) };
}

function usergroupsList(state: SlackState, args: JsonObject): JsonObject {
  const isAsked = args.include_users === true || args.include_users === "true";
  const usergroups = [...state.usergroups].map(([id, users]) => {
    const active = users.filter((user) => !state.deactivated.has(user));
    return { id, team_id: state.identity.teamId, handle: id.toLowerCase(), ...(isAsked && { users: active }) };
  });
  return { usergroups };
}

function usergroupUsers(state: SlackState, args: JsonObject): JsonObject {
  const users = state.usergroups.get(neededText(args, "usergroup"));
  if (users === undefined) throw new SlackRefusal("no_such_subteam");
  // Without include_disabled the list has only active accounts.
  return { users: users.filter((user) => !state.deactivated.has(user)) };
}

/** Only an app with the scope for addresses gets them in the profile. */
function userJson(state: SlackState, person: SandboxUser): JsonObject {
  const email = state.identity.scopes.includes("users:read.email") ? { email: person.email } : {};
  return {
    id: person.id,
    team_id: state.identity.teamId,
    name: person.name,
    real_name: person.name,
    deleted: state.deactivated.has(person.id),
    is_bot: false,
    is_email_confirmed: true,
    tz: person.timezone,
    ...enterpriseUser(state, person),
    profile: { real_name: person.name, display_name: person.name, ...email },
  };
}

/** @see https://docs.slack.dev/reference/objects/user-object */
function enterpriseUser({ organization, identity }: SlackState, { id }: SandboxUser): JsonObject {
  if (!organization) return {};
  const ids = { id: organization.ids.get(id) ?? id, enterprise_id: organization.id };
  return { enterprise_user: { ...ids, teams: [identity.teamId] } };
}

function botJson({ identity }: SlackState): JsonObject {
  return {
    id: identity.botUserId,
    team_id: identity.teamId,
    name: "eks-access",
    real_name: "eks-access",
    deleted: false,
    is_bot: true,
    profile: { real_name: "eks-access", bot_id: identity.botId, api_app_id: identity.appId },
  };
}
