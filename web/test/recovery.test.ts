/** A forgotten password. */

import { expect, test } from "vitest";
import { ChatClient } from "../src/client/chat-client.ts";
import { backend, connect, useBackend, user } from "./scene.ts";

useBackend();

const wrong = { status: 400, message: expect.stringContaining("the code is wrong") };

test("a password is reset by the code that was mailed to the confirmed address", async () => {
  const ravi = await connect("ravi/phone");
  await expect(ravi.client.account.setEmail("ravi@x.org", "wrong password")).rejects.toMatchObject({
    status: 401,
  });
  await ravi.client.account.setEmail("ravi@x.org", "password");
  await expect(ravi.client.account.confirmEmail("x")).rejects.toMatchObject(wrong);
  await ravi.client.account.confirmEmail(await backend.mailed());
  const forgetful = await ChatClient.open({ user: user("ravi"), device: "tablet" });
  await forgetful.account.forgotPassword();
  const reset = forgetful.account.resetPassword("x", "another password");
  await expect(reset).rejects.toMatchObject(wrong);
  await forgetful.account.resetPassword(await backend.mailed(), "another password");
  expect(await forgetful.signUpOrIn()).toBe(false);
  await forgetful.connect();
  await forgetful.close();
});
