import mpegts from 'mpegts.js';
import { element, say } from '../browser/elements.ts';
import { whyNot } from '../browser/refusal.ts';
import { ChannelList } from './channel-list.ts';
import { type Channel, mayRegister, register } from './edge-api.ts';
import { Stage } from './stage.ts';
import { parseViewer, type Viewer } from './viewer.ts';

/** Who watches, as it was entered: it stays with the tab, and goes with it. */
const ENTERED = 'entered';

const form = element('enter', HTMLFormElement);
const pass = element('pass', HTMLInputElement);
const registering = element('register', HTMLButtonElement);
const problem = element('enter-error', HTMLElement);
const watching = element('watching', HTMLElement);
const account = element('account', HTMLElement);
const stage = new Stage();
let list: ChannelList | undefined;

/** The channel picked stands after the `#`, so that a link or a reload goes to it. */
function pick(viewer: Viewer, channel: Channel): void {
  history.replaceState(null, '', `#${encodeURIComponent(channel.id)}`);
  document.title = `${channel.name} – Watch live`;
  list?.mark(channel.id);
  stage.show(viewer, channel);
}

function pickedBefore(): string {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return '';
  }
}

async function enter(entered: string): Promise<void> {
  say(problem, '');
  const viewer = parseViewer(entered);
  if (viewer === undefined) {
    say(problem, 'This is neither an id nor a token that names its user.');
    return;
  }
  const next = new ChannelList(viewer, (channel) => pick(viewer, channel));
  try {
    const channels = await next.start();
    list = next;
    sessionStorage.setItem(ENTERED, entered);
    show(viewer);
    const before = channels.find(({ id }) => id === pickedBefore());
    if (before !== undefined) pick(viewer, before);
  } catch (error) {
    leave();
    say(problem, whyNot(error));
  }
}

/** A token's user is registered elsewhere; whoever enters an id may register it, where the edge node lets anybody. */
async function registerAndEnter(): Promise<void> {
  if (!form.reportValidity()) return;
  const viewer = parseViewer(pass.value);
  if (viewer === undefined || viewer.token !== undefined) {
    say(problem, 'Enter the id that you would like to have.');
    return;
  }
  try {
    await register(viewer.user);
    await enter(viewer.user);
  } catch (error) {
    say(problem, whyNot(error));
  }
}

function show({ user }: Viewer): void {
  form.hidden = true;
  watching.hidden = false;
  account.hidden = false;
  say(element('who', HTMLElement), user);
  stage.clear();
}

function leave(): void {
  list?.stop();
  list = undefined;
  stage.clear();
  sessionStorage.removeItem(ENTERED);
  form.hidden = false;
  watching.hidden = true;
  account.hidden = true;
  pass.focus();
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void enter(pass.value);
});
registering.addEventListener('click', () => void registerAndEnter());
element('leave', HTMLButtonElement).addEventListener('click', leave);
mpegts.LoggingControl.applyConfig({ enableAll: false });

void mayRegister().then((may) => {
  registering.hidden = !may;
});
const entered = sessionStorage.getItem(ENTERED);
form.hidden = false;
if (!mpegts.getFeatureList().mseLivePlayback) {
  say(problem, 'This browser has no Media Source Extensions, which this page plays channels with.');
} else if (entered !== null) void enter(entered);
