import { type Html, html } from "../html.ts";
import type { Regions } from "../page.ts";

/** The whole page, as it is when it is asked for; from then on server-sent events keep its regions true. */
export function layout(regions: Regions): Html {
  const region = (id: string) => html`<div id="${id}">${regions[id]}</div>`;
  return html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>eks-access sandbox</title>
  <link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/assets/page.css">
  <link rel="stylesheet" href="/assets/chat.css">
  <link rel="stylesheet" href="/assets/blocks.css">
  <link rel="stylesheet" href="/assets/forms.css">
  <link rel="stylesheet" href="/assets/cluster.css">
  <script type="module" src="/assets/page.js"></script>
</head>
<body>
  <a class="skip" href="#composer">Skip to the message field</a>
  <header class="top">
    <h1 class="brand">eks-access <span>sandbox</span></h1>
    ${region("who")}
    <p id="connection" role="status"></p>
  </header>
  <noscript><p class="empty">This page needs JavaScript: it shows what happens while it happens.</p></noscript>
  <nav class="tabs" aria-label="Parts of the page"><a href="#chat">Chat</a><a href="#cluster">Cluster</a></nav>
  <main>
    <section id="chat" aria-label="Chat">
      ${region("places")}
      <div class="channel">${region("title")}${region("messages")}<div id="composer" tabindex="-1">${regions.composer}</div></div>
    </section>
    <section id="cluster" aria-label="Cluster" tabindex="-1">
      <div class="panels">${["clusters", "access", "kubectl", "troubles", "audit", "queue", "calls"].map(region)}</div>
    </section>
  </main>
  ${region("modal")}
  <div id="toasts" role="alert"></div>
</body>
</html>`;
}
