// Commands by POST; the text of an error is for people.
export async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const found = await response.json();
  if (!response.ok) throw new Error(found.error?.message ?? `status ${response.status}`);
  return found;
}
