// What a step carried, its log line and its code, in a dialog.
import { find, put } from "./elements.js";

export async function showDetail(step, title, text, carried, messageId) {
  const dialog = find("dialog.detail");
  put(find("h2", dialog), title);
  put(find(".detail-text", dialog), text);
  put(find(".detail-carried", dialog), JSON.stringify(carried, null, 2));
  const [code, log] = await Promise.all([
    fetchJson(`code/${step}`),
    fetchJson(`log/${step}/${messageId}`),
  ]);
  const logged = log.lines?.length > 0;
  find(".detail-log-title", dialog).hidden = find(".detail-log", dialog).hidden = !logged;
  if (logged) {
    put(find(".detail-log-title", dialog), `Its log line, of the function ${log.service}`);
    put(find(".detail-log", dialog), log.lines.join("\n"));
  }
  put(find(".detail-path", dialog), code.path ? `${code.path}, line ${code.line}` : "");
  put(find(".detail-code", dialog), code.text ?? code.error);
  dialog.showModal();
  dialog.scrollTop = 0;
}

async function fetchJson(path) {
  return (await fetch(path)).json();
}
