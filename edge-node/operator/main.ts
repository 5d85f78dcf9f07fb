import type { NodeStatus, SessionStatus, Snapshot } from '../admin/snapshot.ts';
import { element, say } from '../browser/elements.ts';
import { whyNot } from '../browser/refusal.ts';
import { Charts } from './charts.ts';
import { CHANNEL_COLUMNS, userColumns } from './columns.ts';
import { Facts, type Level } from './facts.ts';
import { LiveList } from './live-list.ts';
import { LiveStream } from './live-stream.ts';
import { api, isUnauthorized } from './operator-api.ts';
import { UserView } from './user-view.ts';

const CHANNELS_SHOWN = 10;
const USERS_SHOWN = 25;

const form = element('enter', HTMLFormElement);
const token = element('token', HTMLInputElement);
const problem = element('enter-error', HTMLElement);
const live = element('live', HTMLElement);
const state = element('state', HTMLElement);
const pause = element('pause', HTMLButtonElement);
const leave = element('leave', HTMLButtonElement);
const confirm = element('confirm', HTMLDialogElement);

const userView = new UserView(askToClose, failed);
const facts = new Facts();
let charts: Charts | undefined;
let isPaused = false;
let asked: SessionStatus | undefined;

const stream = new LiveStream({
  query() {
    const query = new URLSearchParams();
    channels.ask(query);
    users.ask(query);
    return query;
  },
  history({ samples }) {
    form.hidden = true;
    live.hidden = false;
    pause.hidden = false;
    leave.hidden = !api.hasToken;
    charts ??= new Charts();
    charts.begin(samples);
  },
  snapshot: showSnapshot,
  lost: () => showState('The edge node cannot be reached: trying again', 'bad'),
  refused: failed,
});
const changed = (): void => {
  if (!isPaused) stream.open();
};
const channels = new LiveList({
  name: 'channels',
  columns: CHANNEL_COLUMNS,
  keyOf: ({ channel }) => channel,
  order: 'channel',
  rows: CHANNELS_SHOWN,
  none: 'No channel',
  changed,
});
const users = new LiveList({
  name: 'users',
  columns: userColumns(askToClose),
  keyOf: ({ id }) => id,
  order: '-connectedSeconds',
  rows: USERS_SHOWN,
  none: 'No user',
  changed,
});

function showSnapshot(snapshot: Snapshot): void {
  charts?.add(snapshot.sample);
  facts.show(snapshot.node);
  channels.show(snapshot.channels);
  users.show(snapshot.users);
  showNode(snapshot.node);
}

function showNode({ accepting, version }: NodeStatus): void {
  say(element('version', HTMLElement), version);
  showState(
    accepting ? 'Accepting users' : 'Draining: newcomers are refused',
    accepting ? 'good' : 'warn',
  );
}

function showState(text: string, level: Level | 'idle'): void {
  say(state, text);
  state.dataset.level = level;
}

/** The token is asked for where that helps; else what is wrong is said. */
function failed(error: unknown): void {
  if (!isUnauthorized(error)) {
    showState(whyNot(error), 'bad');
    return;
  }
  say(problem, api.hasToken ? 'This is not the token.' : '');
  showForm();
}

function showForm(): void {
  api.forget();
  stream.close();
  userView.close();
  showState('', 'idle');
  live.hidden = true;
  pause.hidden = true;
  leave.hidden = true;
  form.hidden = false;
  token.value = '';
  token.focus();
}

/** What stands behind the `#` is what is shown: a user, or the node. */
function route(): void {
  const user = new URLSearchParams(location.hash.slice(1)).get('user');
  const isNode = user === null || user === '';
  document.title = isNode ? 'Edge node' : `${user} – Edge node`;
  pause.hidden = !isNode || live.hidden;
  if (!isNode) {
    stream.close();
    live.hidden = true;
    showState('', 'idle');
    userView.open(user);
    return;
  }
  userView.close();
  live.hidden = charts === undefined;
  if (!isPaused) stream.open();
}

function askToClose(session: SessionStatus): void {
  asked = session;
  const { user, channel, address } = session;
  say(element('confirm-what', HTMLElement), `${user} on ${channel}, from ${address}`);
  confirm.returnValue = '';
  confirm.showModal();
}

confirm.addEventListener('close', () => {
  if (confirm.returnValue !== 'close' || asked === undefined) return;
  const { id, user } = asked;
  api.closeSession(id).then(
    () => showState(`The session of ${user} is closed`, 'good'),
    (error: unknown) => failed(error),
  );
});

form.addEventListener('submit', (event) => {
  event.preventDefault();
  say(problem, '');
  api.enter(token.value.trim());
  form.hidden = true;
  route();
});
leave.addEventListener('click', () => {
  say(problem, '');
  showForm();
});
pause.addEventListener('click', () => {
  isPaused = !isPaused;
  pause.ariaPressed = String(isPaused);
  if (isPaused) {
    stream.close();
    showState('Paused: what is shown stands still', 'idle');
  } else stream.open();
});
document.addEventListener('visibilitychange', () => {
  if (document.hidden) stream.close();
  else if (form.hidden && !isPaused && !userIsShown()) stream.open();
});
window.addEventListener('hashchange', route);

function userIsShown(): boolean {
  return !element('user', HTMLElement).hidden;
}

showState('Connecting…', 'idle');
route();
