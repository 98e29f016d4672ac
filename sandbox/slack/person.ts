import type { ButtonPlace } from "./find-clickable.ts";
import type { ElementPlace, InputValue } from "./inputs.ts";
import { homeOpenedPayload } from "./payloads.ts";
import { choose, click, sendCommand } from "./person-acts.ts";
import type { PersonContext } from "./person-context.ts";
import { close, type Filling, fill, submit, suggest } from "./person-modal.ts";
import type { CommandAnswer, SandboxMessage, SandboxUser, SandboxView } from "./shapes.ts";
import { directChannel } from "./state.ts";

/** One of the people of the workspace, with what a person can do and see. */
export interface SandboxPerson {
  id: string;
  name: string;
  /** Sends a slash command, for example `/eks-access help`. Without a channel: in the direct conversation with the bot. */
  command(text: string, channelId?: string): Promise<CommandAnswer>;
  /** Everything that only this person sees, oldest first. */
  ephemerals(): readonly SandboxMessage[];
  /** The direct conversation with the bot, oldest first. */
  directMessages(): readonly SandboxMessage[];
  /**
   * Clicks a button of a message or of the open view, by its action_id, its visible text or its place; an option of an
   * overflow menu by its text. Uses what the message shows now, not what it showed when it was read; a confirmation is taken as yes.
   */
  click(shown: SandboxMessage | SandboxView, button: string | ButtonPlace): Promise<CommandAnswer>;
  /**
   * Chooses in a menu of a message or view, or types into an input that tells each character: like `fill`, and told to the
   * app at once. Throws where Slack would not tell the app.
   */
  choose(shown: SandboxMessage | SandboxView, field: string | ElementPlace, value: InputValue): Promise<CommandAnswer>;
  /** The open modal, the top of the stack. */
  view(): SandboxView | undefined;
  /** Types into inputs of the open modal, called by block_id, action_id, label or place. Nothing is sent. */
  fill(values: Readonly<Record<string, InputValue>> | readonly Filling[]): void;
  /** Types into a menu that the app fills, and reads the texts of the options that it offers. */
  suggestions(field: string, typed: string): Promise<readonly string[]>;
  /** Sends the open modal. Errors, the app's or Slack's own, are on the answer and on the view. */
  submit(values?: Readonly<Record<string, InputValue>> | readonly Filling[]): Promise<CommandAnswer>;
  /** Closes the open modal; the app hears of it if it asked to. */
  close(): Promise<void>;
  home(): SandboxView | undefined;
  openHome(): Promise<void>;
}

export function makePerson(context: PersonContext, user: SandboxUser): SandboxPerson {
  const { state } = context;
  const open = () => state.views.get(user.id)?.at(-1);
  return {
    id: user.id,
    name: user.name,
    command: (text, channelId) => sendCommand(context, user, text, channelId),
    ephemerals: () => state.messages.filter((message) => message.ephemeralTo === user.id),
    directMessages: () => {
      const { id } = directChannel(state, user.id);
      return state.messages.filter((message) => message.channel === id && message.ephemeralTo === undefined);
    },
    click: (shown, button) => click(context, user, shown, button),
    choose: (shown, field, value) => choose(context, user, shown, field, value),
    view: open,
    fill: (values) => fill(context, needed(open()), values),
    suggestions: (field, typed) => suggest(context, user, needed(open()), field, typed),
    submit: (values = []) => submit(context, user, fill(context, needed(open()), values)),
    close: () => close(context, user, needed(open())),
    home: () => state.homes.get(user.id),
    openHome: async () => {
      directChannel(state, user.id);
      await context.deliver({ kind: "event", payload: homeOpenedPayload(state, user) });
    },
  };
}

function needed(view: SandboxView | undefined): SandboxView {
  if (view === undefined) throw new Error("no modal is open");
  return view;
}
