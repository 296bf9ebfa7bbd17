import assert from 'node:assert/strict';
import { checkAccessibility, openBrowser, openPage, screenshot } from '../lib/browser.mjs';
import * as user from '../lib/actions.mjs';

export const title = 'a review in two browsers: run, comment, suggest, apply, another round, verify, approve';

const SORTING = `"""Sorts names."""
import sys


def bubble(names):
    for i in range(len(names)):
        for j in range(len(names) - 1):
            if names[j] > names[j + 1]:
                names[j], names[j + 1] = names[j + 1], names[j]
    return names


def main():
    names = ["Mary", "Ada", "Grace"]
    print("sorted:", bubble(names))


main()
`;

const DESCRIPTION =
  'Please look at **sorting**.\n\n- is it fast enough?\n\n<img src=x onerror="alert(1)"> ![spy](https://evil.example/p.png)';

/** A page asks for news this often, and then a little. */
const NEWS_MS = 30_000;

function api(page, method, path, body) {
  return page.evaluate(
    async ([how, where, what]) => {
      const response = await fetch(`/api/v1${where}`, {
        method: how,
        ...(what === null
          ? {}
          : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(what) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? null : JSON.parse(text) };
    },
    [method, path, body ?? null],
  );
}

async function done(page, method, path, body) {
  const answer = await api(page, method, path, body);
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** The text of a side of the comparison, as it is drawn. */
function codeText(page, side) {
  return page.evaluate((which) => {
    const editor = document.querySelector(`[data-testid="review-difference"] .editor.${which}`);
    const lines = [...(editor?.querySelectorAll('.view-lines > .view-line') ?? [])];
    return lines
      .sort((a, b) => a.offsetTop - b.offsetTop)
      .map((line) => line.textContent.replaceAll('\u00a0', ' '))
      .join('\n');
  }, side);
}

const state = (page, name) => page.locator(`[data-review-state="${name}"]`);
const files = (page) => page.getByRole('listbox', { name: 'Files' });
const view = (page, name) => page.getByRole('radio', { name, exact: true }).click();

/** Begins a comment on a line by the "+" beside it. */
async function commentOn(page, text) {
  const line = page
    .locator('[data-testid="review-difference"] .editor.modified .view-line', { hasText: text })
    .first();
  await line.hover();
  const plus = page.locator('[data-testid="review-difference"] .editor.modified .review-plus');
  await plus.first().click();
}

export async function run({ page, watch: own, url }) {
  // Whether there is a run is asked by asking for it.
  own.allowed.push(/status of 404 .*\/run$/);
  await user.register(page);
  const session = await user.createSession(page, 'Sorting');
  await user.putFile(page, session, 'sorting.py', SORTING);
  await user.putFile(page, session, 'notes.md', '# Notes\n');
  const { id } = await done(page, 'POST', '/reviews', {
    session,
    title: 'Sort names',
    description: DESCRIPTION,
    priority: 'high',
    due_at: new Date(Date.now() + 86_400_000).toISOString(),
  });
  await page.goto(`${url}/reviews/${id}/`);
  await state(page, 'draft').waitFor();
  await page.getByRole('button', { name: 'Submit', exact: true }).click();
  await page.getByLabel('What has changed (optional)').fill('The first attempt');
  await page.getByRole('dialog').getByRole('button', { name: 'Submit', exact: true }).click();
  await state(page, 'pending').waitFor();
  await screenshot(page, '100-review-author');

  const second = await openBrowser();
  const { page: other, watch } = await openPage(second, url);
  try {
    await user.register(other);
    // What is not for them is not there.
    watch.allowed.push(/status of (404|409)/);
    await other.goto(`${url}/reviews/${id}/`);
    await other.getByText('There is no such review').waitFor();
    await done(other, 'PATCH', '/me/reviewer', { level: 2 });
    await other.goto(`${url}/reviews/${id}/`);
    await other.getByRole('heading', { name: 'Sort names' }).waitFor();
    assert.equal(await other.locator('.markdown img').count(), 0);
    await other.getByRole('button', { name: 'Claim' }).click();
    await state(other, 'in_review').waitFor();
    await checkAccessibility(other, 'the overview of a review');
    await screenshot(other, '101-review-overview');

    // The exact submission, run: its author goes on meanwhile.
    await user.putFile(page, session, 'sorting.py', 'print("not what was submitted")\n');
    await other.getByRole('button', { name: 'Run this round' }).click();
    await other.getByRole('region', { name: 'Run of round 1' }).waitFor();
    await user.waitForTerminal(other, /[$#] ?$/m, 120_000);
    await user.command(other, 'python sorting.py');
    await user.waitForTerminal(other, /^sorted: \['Ada', 'Grace', 'Mary'\]$/m);
    await view(other, 'Files');
    await files(other)
      .getByRole('option', { name: /sorting\.py/ })
      .click();
    await other.locator('[data-testid="review-difference"] .view-line').first().waitFor();
    await screenshot(other, '102-review-run');
    const whole = other.context().waitForEvent('page');
    await other.getByRole('link', { name: 'Files and editor' }).click();
    const opened = await whole;
    await opened.getByText(/This is a throw-away run/).waitFor();
    await opened.close();
    await user.putFile(page, session, 'sorting.py', SORTING);
    await other.getByRole('button', { name: 'Throw away' }).click();
    await other.getByRole('alertdialog').getByRole('button', { name: 'Throw away' }).click();
    await other.getByRole('region', { name: 'Run of round 1' }).waitFor({ state: 'detached' });

    // An issue with an edit on a line; what is typed survives another file and a reload.
    await commentOn(other, 'for j in range');
    const composer = other.getByRole('form', { name: 'Comment' });
    await composer.getByRole('radio', { name: 'Issue' }).check({ force: true });
    await composer.getByRole('textbox').fill('This compares far too often. **Stop earlier.**');
    await other.getByRole('option', { name: /notes\.md/ }).click();
    await composer.waitFor({ state: 'detached' });
    await other.reload();
    await view(other, 'Files');
    await files(other)
      .getByRole('option', { name: /sorting\.py/ })
      .click();
    await composer.waitFor();
    assert.match(await composer.getByRole('textbox').inputValue(), /far too often/);
    await composer.getByRole('button', { name: 'Suggest an edit' }).click();
    await composer.getByLabel('The lines should be').fill('        for j in range(len(names) - 1 - i):');
    await screenshot(other, '103-review-composer');
    await composer.getByRole('textbox').first().press('Control+Enter');
    await composer.waitFor({ state: 'detached' });
    const thread = other.locator('[data-thread]');
    await thread.getByText('Draft: only you see it').waitFor();

    // By keys: a question on a selected line, a mark, the next file.
    await other
      .locator('[data-testid="review-difference"] .editor.modified .view-line', { hasText: 'import sys' })
      .click();
    await other.keyboard.press('c');
    await composer.getByRole('textbox').fill('Is this used?');
    await composer.getByRole('radio', { name: 'Question' }).check({ force: true });
    await composer.getByRole('textbox').press('Control+Enter');
    await composer.waitFor({ state: 'detached' });
    await user.eventually('two threads', async () => (await thread.count()) === 2);
    await files(other).focus();
    await other.keyboard.press('v');
    await other.getByText('1 of 2 viewed').waitFor();
    await other.keyboard.press('?');
    await other.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await other.getByRole('button', { name: 'Done' }).click();
    await other.keyboard.press('s');
    await other.getByRole('radio', { name: 'In one', checked: true }).waitFor();
    await other.waitForTimeout(300);
    await screenshot(other, '104-review-inline');
    await other.keyboard.press('s');
    await checkAccessibility(other, 'the files of a review');
    await screenshot(other, '105-review-drafts');

    // Nobody else sees a draft before the verdict publishes it.
    assert.equal((await done(page, 'GET', `/reviews/${id}/comments`)).items.length, 0);
    await other.keyboard.press('Shift+P');
    const dialog = other.getByRole('dialog', { name: 'Decide round 1' });
    await dialog.getByText('2 drafts are published with it.').waitFor();
    await dialog.getByText('1 issue in the way of approval').waitFor();
    await dialog.getByLabel('Why (optional)').fill('Please stop earlier.');
    await checkAccessibility(other, 'the verdict dialog');
    await screenshot(other, '106-review-verdict');
    await dialog.getByRole('button', { name: 'Request changes' }).click();
    await state(other, 'changes_requested').waitFor();

    // The author's page hears of it by itself.
    await state(page, 'changes_requested').waitFor({ timeout: NEWS_MS });
    await page.getByText('Your turn').waitFor();
    await page.getByRole('button', { name: /far too often/ }).click();
    await page.getByRole('button', { name: 'Apply to my workspace' }).click();
    await page.getByText(/Applied to “sorting\.py”/).waitFor();
    await page.getByText(/^Applied to the workspace/).waitFor();
    assert.match(await user.readFile(page, session, 'sorting.py'), /range\(len\(names\) - 1 - i\):\n/);
    const issue = page.locator('[data-thread]', { hasText: 'far too often' });
    await issue.getByRole('button', { name: 'Answer' }).click();
    await issue.getByRole('textbox').fill('Done as you say.');
    await issue.getByRole('button', { name: 'Comment now' }).click();
    await issue.getByText('Done as you say.').waitFor();
    await issue.getByRole('button', { name: 'Resolve' }).click();
    await page.locator('[data-thread-state="resolved"]').waitFor();
    await screenshot(page, '107-review-applied');
    await page.getByRole('button', { name: 'Submit new round' }).click();
    await page.getByLabel('What has changed (optional)').fill('Stops earlier');
    await page.getByRole('dialog').getByRole('button', { name: 'Submit', exact: true }).click();
    await page
      .getByLabel('Round', { exact: true })
      .getByText('Round 2 (newest)')
      .waitFor({ state: 'attached' });

    // Only what has changed, and the issue where it was written; the verdict on round 1 is stale.
    await other.getByText('round 2 is the newest').waitFor({ timeout: NEWS_MS });
    await other.getByRole('button', { name: 'Show round 2' }).click();
    await other.getByText(/The last verdict is about an older round/).waitFor();
    await other.getByText('1 change against round 1').waitFor();
    await view(other, 'Files');
    // The question's file is the same: one changed file is all there is to view.
    await other.getByText('0 of 1 viewed').waitFor();
    await user.eventually('the new line is shown', async () =>
      (await codeText(other, 'modified')).includes('len(names) - 1 - i'),
    );
    assert.ok((await codeText(other, 'original')).includes('range(len(names) - 1):'));
    const outdated = other.locator('[data-thread]', { hasText: 'Outdated: written on round 1' });
    await outdated.getByText('Done as you say.').waitFor();
    await screenshot(other, '108-review-round-2');
    // Claimed once more if the first claim ended with the verdict.
    const claim = other.getByRole('button', { name: 'Claim' });
    if (await claim.isVisible()) await claim.click();
    await state(other, 'in_review').waitFor({ timeout: NEWS_MS });

    // Approval waits for the issue.
    await other.getByRole('button', { name: /^Decide/ }).click();
    const again = other.getByRole('dialog', { name: 'Decide round 2' });
    await again.getByText('1 issue in the way of approval').waitFor();
    await again.getByRole('button', { name: /far too often/ }).click();
    await outdated.getByRole('button', { name: 'Verify' }).click();
    await other.locator('[data-thread-state="verified"]').waitFor();
    await other.keyboard.press('Shift+P');
    await again.getByRole('radio', { name: /^Approve/ }).check();
    await again.getByRole('button', { name: 'Approve' }).click();
    await state(other, 'approved').waitFor();
    await screenshot(other, '109-review-approved');

    await state(page, 'approved').waitFor({ timeout: NEWS_MS });
    await view(page, 'Activity');
    await page.getByText('Ada Lovelace approved round 2').waitFor();
    assert.deepEqual(
      await page.locator('[data-step]').evaluateAll((steps) => steps.map((step) => step.dataset.step)),
      (await done(page, 'GET', `/reviews/${id}/events?limit=200`)).items.map(({ action }) => action),
    );
    await checkAccessibility(page, 'the trail of a review');
    await screenshot(page, '110-review-trail');
    if (watch.problems.length > 0)
      throw new Error(`the reviewer's browser complained:\n  ${watch.problems.join('\n  ')}`);
  } catch (error) {
    await screenshot(other, 'failed-21-review-reviewer').catch(() => undefined);
    throw error;
  } finally {
    await second.close();
  }
}
