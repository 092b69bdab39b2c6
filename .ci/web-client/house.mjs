// The steps beside the talks: characters, agents, the log, settings. They have one page.
import assert from 'node:assert/strict';
import { answered, counted, says, until } from './hand.mjs';

export async function house({ page, base, api, ada, step, shoot, told, confirm }) {
  await step('a character is edited', async () => {
    await page.getByTestId('agent-card').filter({ hasText: 'Ada' }).locator('button:has(.lucide-settings)').click();
    await page.locator('textarea[name=system]').fill('Be a listener.');
    await page.getByRole('button', { name: 'Save' }).click();
    await told('Agent updated successfully');
    const { system, bio } = await api('GET', `/api/agents/${ada}`);
    assert.deepEqual({ system, bio }, { system: 'Be a listener.', bio: ['Listens.'] });
    await page.goto(`${base}/settings/${ada}`);
    await until('the form shows it', async () => await page.locator('textarea[name=system]').inputValue() === 'Be a listener.');
    assert.equal(await page.locator('input[name=name]').inputValue(), 'Ada');
  });

  const rows = () => page.locator('.divide-y > div').filter({ hasText: /[A-Z][a-z]{2} \d\d, \d\d:\d\d:\d\d/ });
  await step('an agent is stopped and started from its chat', async () => {
    await page.getByRole('link', { name: 'Ada' }).click();
    await page.locator('button:has(h2)').click();
    await page.getByRole('menuitem', { name: 'Stop Agent' }).click();
    await page.goto(`${base}/chat/${ada}`);
    await page.getByText('Ada is not active.').waitFor();
    await page.getByRole('button', { name: 'Start Agent' }).click();
    await says(page, 'Are you back?');
    await answered(page, 1);
  });

  await step('the log is followed', async () => {
    await page.getByRole('link', { name: 'Logs' }).click();
    await page.getByText('Live updates enabled (streaming)').waitFor();
    await api('GET', '/api/server/hello');
    await rows().filter({ hasText: 'Hello endpoint hit' }).waitFor();
  });

  await step('the log is shown', async () => {
    await page.goto(base + '/logs');
    await rows().first().waitFor();
    await page.getByText(/^Info \d+$/).waitFor();
  });

  await step('the log is filtered', async () => {
    const all = await rows().count();
    const choose = async level => {
      await page.getByRole('combobox').first().click();
      await page.getByRole('option', { name: level, exact: true }).click();
    };
    await choose('ERROR');
    await page.getByText('No ERROR logs found.').waitFor();
    await choose('ALL');
    await until('all lines again', async () => await rows().count() >= all);
  });

  await step('the log is cleared', async () => {
    const all = await rows().count();
    await page.getByRole('button', { name: 'Clear All Logs' }).click();
    await confirm();
    await until('nothing of before is left', async () => await rows().count() < all);
  });

  await step('an agent is made and deleted', async () => {
    await page.goto(base + '/create');
    await page.getByRole('combobox').first().click();
    await page.getByRole('option', { name: 'Discord Bot' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await told('Agent created successfully');
    const card = page.getByTestId('agent-card').filter({ hasText: 'Discord Assistant' });
    await card.getByText('Helpful Discord community assistant').waitFor();
    await shoot('an agent is made');
    await card.locator('button:has(.lucide-settings)').click();
    await page.locator('button:has(.lucide-ellipsis-vertical)').click();
    await page.getByRole('menuitem', { name: 'Delete Agent' }).click();
    await confirm();
    await page.waitForURL(base + '/');
    await counted('cards', page.getByTestId('agent-card'), 2);
  });

  await step('settings are kept', async () => {
    await page.goto(base + '/settings');
    await page.locator('#secret-name').fill('WEATHER');
    await page.locator('#secret-value').fill('fine');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByRole('button', { name: 'Save Changes' }).click();
    await until('it is kept', async () => (await api('GET', '/api/system/env/local')).WEATHER === 'fine');
    await page.reload();
    await page.getByText('WEATHER').waitFor();
  });
}
