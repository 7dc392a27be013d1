/** The route: where the user is in the page, by the part of the address after #. */

export type Route =
  | { readonly at: "list" }
  | { readonly at: "chat"; readonly chat: string }
  | { readonly at: "info"; readonly chat: string }
  | { readonly at: "message"; readonly chat: string; readonly messageId: string }
  | { readonly at: "verify"; readonly chat: string; readonly user: string }
  | { readonly at: "new" | "new-group" | "requests" | "settings" | "devices" };

const PAGES = ["new", "new-group", "requests", "settings", "devices"] as const;

export function parseRoute(hash: string): Route {
  const parts = hash.replace(/^#\/?/, "").split("/").map(decoded);
  const [first = "", second = "", third, fourth = ""] = parts;
  if (first === "chat" && second !== "") {
    if (third === "info") return { at: "info", chat: second };
    if (third === "message") return { at: "message", chat: second, messageId: fourth };
    if (third === "verify") return { at: "verify", chat: second, user: fourth };
    return { at: "chat", chat: second };
  }
  const page = PAGES.find((each) => each === first);
  return { at: page ?? "list" };
}

export function hashOf(route: Route): string {
  switch (route.at) {
    case "list":
      return "#/";
    case "chat":
      return `#/chat/${encodeURIComponent(route.chat)}`;
    case "info":
      return `#/chat/${encodeURIComponent(route.chat)}/info`;
    case "message":
      return `#/chat/${encodeURIComponent(route.chat)}/message/${encodeURIComponent(route.messageId)}`;
    case "verify":
      return `#/chat/${encodeURIComponent(route.chat)}/verify/${encodeURIComponent(route.user)}`;
    default:
      return `#/${route.at}`;
  }
}

export function chatOf(route: Route): string | undefined {
  return "chat" in route ? route.chat : undefined;
}

export function go(route: Route): void {
  location.hash = hashOf(route);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
