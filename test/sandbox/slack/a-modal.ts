import type { InputBlock, KnownBlock, ModalView } from "@slack/types";

export const plain = (text: string) => ({ type: "plain_text" as const, text });

export const textInput = (blockId: string, label: string, more: Partial<InputBlock> = {}): InputBlock => ({
  type: "input",
  block_id: blockId,
  label: plain(label),
  element: { type: "plain_text_input", action_id: `${blockId}-text` },
  ...more,
});

export const menuInput = (blockId: string, label: string, ...options: readonly string[]): InputBlock => ({
  type: "input",
  block_id: blockId,
  label: plain(label),
  element: {
    type: "static_select",
    action_id: `${blockId}-menu`,
    options: options.map((option) => ({ text: plain(option), value: option.toLowerCase() })),
  },
});

export const aModal = (blocks: KnownBlock[], more: Partial<ModalView> = {}): ModalView => ({
  type: "modal",
  callback_id: "asking",
  title: plain("Ask for access"),
  submit: plain("Send"),
  blocks,
  ...more,
});
