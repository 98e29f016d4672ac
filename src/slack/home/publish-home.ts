import type { WebClient } from "@slack/web-api";
import { slackErrorCode, slackFailure } from "../app/slack-failure.ts";
import { notAdmittedAnswer } from "../ask/admission-answer.ts";
import { type Home, homeView } from "./home-view.ts";
import { type HomeSource, readHome } from "./read-home.ts";
import { refusedHomeView } from "./unknown-home-view.ts";

export interface HomeContext extends HomeSource {
  readonly client: WebClient;
}

const mostTries = 4;

/**
 * Makes somebody's App Home match the ledger. Two processes may do so at once, and the one that has read first may publish
 * last: so each names the hash of the view that stood there before it read, and whoever finds another one reads again.
 * `seen`: the hash that Slack told of just now. @throws AccessError
 */
export async function publishHome(context: HomeContext, user: string, seen?: string): Promise<void> {
  const { ledger, client } = context;
  let tried: string | undefined;
  for (let attempt = 1; ; attempt += 1) {
    const known = attempt === 1 && seen ? seen : (await ledger.homesOf([user])).get(user);
    // Nobody has remembered another one since: a process died between publishing and remembering.
    const hash = known === tried ? undefined : known;
    const view = await viewFor(context, user);
    try {
      const answer = await client.views.publish({ user_id: user, view, ...(hash ? { hash } : {}) });
      return await ledger.rememberHome(user, answer.view?.hash ?? "");
    } catch (error) {
      if (slackErrorCode(error) !== "hash_conflict" || attempt === mostTries) {
        throw slackFailure(error, `The App Home of ${user}`);
      }
      tried = known;
    }
  }
}

/** Homes are also brought up to date when nobody has opened them: an account may have ended since. */
async function viewFor(context: HomeContext, user: string): Promise<Home> {
  const account = await context.directory.accountOf(user).catch(() => "active" as const);
  if (account !== "active") return refusedHomeView(notAdmittedAnswer(account));
  return homeView(await readHome(context, user));
}
