-- Carrel's tables: the only DDL there is. Idempotent; `db::schema::apply` runs it in one transaction under an advisory lock and
-- notes the version, so that servers starting together take turns and an older server refuses a newer database.
-- PostgreSQL 13 or newer, encoding UTF-8. No extension, no function, no trigger of our own: rules live in constraints.
--
-- To change a table: append idempotent statements (`alter table … add column if not exists …`) and raise `db::schema::VERSION`.

-- One row per version this database has been through. `digest` is the hash of this file's text as it was applied.
create table if not exists schema_version (
    version    integer     primary key,
    digest     bytea       not null,
    applied_at timestamptz not null default now()
);

-- People. Names and addresses are unique without regard to the case of ASCII letters, whatever the cluster's locale.
create table if not exists users (
    id            uuid        primary key,
    username      text        not null constraint users_username_length check (char_length(username) between 2 and 32),
    email         text        not null constraint users_email_length check (octet_length(email) between 3 and 254),
    password_hash text        not null,
    display_name  text        not null constraint users_display_name_length check (char_length(display_name) <= 80),
    role          text        not null constraint users_role_known check (role in ('user', 'admin')),
    created_at    timestamptz not null default now()
);
-- What their sandboxes may use instead of everybody's quotas; null is as for everybody.
alter table users add column if not exists quota_memory_mb bigint
    constraint users_quota_memory_positive check (quota_memory_mb > 0);
alter table users add column if not exists quota_cpus double precision constraint users_quota_cpus_positive check (quota_cpus > 0);
alter table users add column if not exists quota_pids bigint constraint users_quota_pids_positive check (quota_pids > 0);
create unique index if not exists users_username_key on users (lower(username collate "C"));
create unique index if not exists users_email_key on users (lower(email collate "C"));

-- Signed-in browsers. The cookie's token is never stored, only its hash.
create table if not exists logins (
    id           uuid        primary key,
    user_id      uuid        not null constraint logins_user_fkey references users (id) on delete cascade,
    token_hash   bytea       not null constraint logins_token_hash_key unique
                             constraint logins_token_hash_length check (octet_length(token_hash) = 32),
    created_at   timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at   timestamptz not null,
    -- How far ahead of its last use a login expires.
    lifetime     interval    not null constraint logins_lifetime_positive check (lifetime > interval '0'),
    user_agent   text        not null,
    address      text        not null
);
create index if not exists logins_user_idx on logins (user_id);
create index if not exists logins_expires_idx on logins (expires_at);

-- Sessions: one workspace each. `version` grows with every change of state; `fence` is raised by whoever takes a session over, so
-- that a server that was merely asleep cannot write on. Usage is what workspace_items adds up to, kept in the same transactions.
create table if not exists sessions (
    id             uuid        primary key,
    owner_id       uuid        not null constraint sessions_owner_fkey references users (id),
    name           text        not null constraint sessions_name_length check (char_length(name) between 1 and 80),
    state          text        not null default 'cold' constraint sessions_state_known
                               check (state in ('cold', 'starting', 'ready', 'stopping', 'failed', 'deleted')),
    reason         text,
    -- A sandbox is claimed by one session at most.
    sandbox_id     uuid        constraint sessions_sandbox_key unique,
    version        bigint      not null default 0,
    fence          bigint      not null default 0,
    usage_items    bigint      not null default 0 constraint sessions_usage_items_positive check (usage_items >= 0),
    usage_bytes    bigint      not null default 0 constraint sessions_usage_bytes_positive check (usage_bytes >= 0),
    created_at     timestamptz not null default now(),
    last_active_at timestamptz not null default now(),
    deleted_at     timestamptz,
    constraint sessions_deleted_has_time check ((state = 'deleted') = (deleted_at is not null))
);
create index if not exists sessions_owner_idx on sessions (owner_id, id desc) where state <> 'deleted';
-- What a starting server has to look after: few rows, whatever the table's size.
create index if not exists sessions_live_idx on sessions (id)
    where sandbox_id is not null or state in ('starting', 'ready', 'stopping');

-- Contents by BLAKE3 hash, compressed with zstd; EXTERNAL because compressing twice is a waste.
create table if not exists blobs (
    hash       bytea       primary key constraint blobs_hash_length check (octet_length(hash) = 32),
    size       bigint      not null constraint blobs_size_positive check (size >= 0),
    encoded    bytea       not null,
    created_at timestamptz not null default now()
);
alter table blobs alter column encoded set storage external;

-- The tree of every workspace. Its top is a row like any folder, whose id is the session's: so "unique within its folder" is one
-- plain constraint. That constraint is deferrable to be checked at the end of a statement: two items may swap names in one. Its index
-- starts with the session, to serve whole trees and foreign keys as well: a second one on the session alone would tempt the planner,
-- when it checks a foreign key, to read the whole session for each row.
create table if not exists workspace_items (
    id          uuid        primary key,
    session_id  uuid        not null constraint workspace_items_session_fkey references sessions (id) on delete cascade,
    parent_id   uuid,
    -- Always 'folder'; in the foreign key below it says that only a folder of the same session can hold anything.
    parent_kind text        not null generated always as ('folder') stored,
    name        text        collate "C" not null,
    kind        text        not null constraint workspace_items_kind_known check (kind in ('file', 'folder', 'symlink')),
    blob_hash   bytea       constraint workspace_items_blob_fkey references blobs (hash),
    size        bigint      not null default 0 constraint workspace_items_size_positive check (size >= 0),
    executable  boolean     not null default false,
    link_target text,
    modified_at timestamptz not null,
    constraint workspace_items_place_key unique (id, session_id, kind),
    constraint workspace_items_name_key unique (session_id, parent_id, name) deferrable initially immediate,
    constraint workspace_items_parent_fkey foreign key (parent_id, session_id, parent_kind)
        references workspace_items (id, session_id, kind),
    constraint workspace_items_root check ((parent_id is null) = (id = session_id)),
    constraint workspace_items_root_is_folder check (parent_id is not null or (kind = 'folder' and name = '')),
    constraint workspace_items_name_legal check (parent_id is null or (octet_length(name) between 1 and 255
        and strpos(name, '/') = 0 and name not in ('.', '..'))),
    constraint workspace_items_file_has_content check ((kind = 'file') = (blob_hash is not null)),
    constraint workspace_items_symlink_has_target check ((kind = 'symlink') = (link_target is not null)),
    constraint workspace_items_only_files_weigh check (kind = 'file' or (size = 0 and not executable))
);
-- For the day blobs nobody refers to are swept.
create index if not exists workspace_items_blob_idx on workspace_items (blob_hash) where blob_hash is not null;

-- Every change of every path, until its history is thinned; never changed: what there was after it, who did it and where. `other_path` is the other end of a move.
create table if not exists workspace_versions (
    id          bigint      generated always as identity primary key,
    session_id  uuid        not null constraint workspace_versions_session_fkey references sessions (id) on delete cascade,
    path        text        collate "C" not null,
    change      text        not null constraint workspace_versions_change_known
                            check (change in ('created', 'modified', 'removed', 'moved_here', 'moved_away')),
    kind        text        not null constraint workspace_versions_kind_known check (kind in ('file', 'folder', 'symlink')),
    blob_hash   bytea       constraint workspace_versions_blob_fkey references blobs (hash),
    size        bigint      not null default 0,
    executable  boolean     not null default false,
    link_target text,
    other_path  text        collate "C",
    origin      text        not null constraint workspace_versions_origin_known
                            check (origin in ('editor', 'terminal', 'upload', 'restore', 'review')),
    user_id     uuid        constraint workspace_versions_user_fkey references users (id) on delete set null,
    at          timestamptz not null,
    constraint workspace_versions_moves_name_both_ends
        check ((change in ('moved_here', 'moved_away')) = (other_path is not null))
);
create index if not exists workspace_versions_path_idx on workspace_versions (session_id, path, id desc);
create index if not exists workspace_versions_blob_idx on workspace_versions (blob_hash) where blob_hash is not null;

-- Servers that share this database. A server's leases last for `lease` after its last heartbeat; `started_at` tells one run of it from
-- the next. `steady_since` is when its present unbroken row of heartbeats began: only who was heard all the time may say that another
-- was silent, or an outage of the database itself would look like everybody else's death.
create table if not exists servers (
    id           uuid        primary key,
    url          text        not null constraint servers_url_length check (octet_length(url) between 1 and 300),
    lease        interval    not null constraint servers_lease_positive check (lease > interval '0'),
    started_at   timestamptz not null,
    heartbeat_at timestamptz not null,
    steady_since timestamptz not null
);
-- Who serves a session. Whoever becomes that raises `fence`; what is written on a session's behalf names the fence it was given.
alter table sessions add column if not exists lease_server uuid
    constraint sessions_lease_server_fkey references servers (id) on delete set null;
create index if not exists sessions_lease_idx on sessions (lease_server) where lease_server is not null;

-- A deleted session can be had back until `purge_at`; then it goes with all its files. Told when it is deleted, and held to.
alter table sessions add column if not exists purge_at timestamptz;
update sessions set purge_at = deleted_at + interval '7 days' where deleted_at is not null and purge_at is null;
create index if not exists sessions_purge_idx on sessions (purge_at) where purge_at is not null;

-- When a session was last started, and what its user was granted beyond `sandbox.max_life_seconds`: both outlive the server.
alter table sessions add column if not exists started_at timestamptz;
alter table sessions add column if not exists life_extra_seconds integer not null default 0;

-- The history of a whole workspace, newest first.
create index if not exists workspace_versions_session_idx on workspace_versions (session_id, id desc);

-- What a workspace held when somebody froze it. Those of a session go with it; those of templates have none.
create table if not exists snapshots (
    id         uuid        primary key,
    session_id uuid        constraint snapshots_session_fkey references sessions (id) on delete cascade,
    name       text        not null constraint snapshots_name_length check (char_length(name) between 1 and 80),
    items      bigint      not null,
    bytes      bigint      not null,
    created_at timestamptz not null default now()
);
create index if not exists snapshots_session_idx on snapshots (session_id, id desc) where session_id is not null;
create table if not exists snapshot_items (
    snapshot_id uuid       not null constraint snapshot_items_snapshot_fkey references snapshots (id) on delete cascade,
    path        text       collate "C" not null,
    kind        text       not null constraint snapshot_items_kind_known check (kind in ('file', 'folder', 'symlink')),
    blob_hash   bytea      constraint snapshot_items_blob_fkey references blobs (hash),
    size        bigint     not null,
    executable  boolean    not null,
    link_target text,
    primary key (snapshot_id, path)
);
create index if not exists snapshot_items_blob_idx on snapshot_items (blob_hash) where blob_hash is not null;

-- What operators offer sessions to begin with. A revision stays while a session began with it: it tells what its user has changed.
create table if not exists templates (
    id          uuid        primary key,
    name        text        not null constraint templates_name_key unique
                            constraint templates_name_length check (char_length(name) between 1 and 80),
    title       text        not null constraint templates_title_length check (char_length(title) between 1 and 80),
    description text        not null constraint templates_description_length check (char_length(description) <= 1000),
    revision    integer     not null,
    updated_at  timestamptz not null
);
create table if not exists template_revisions (
    template_id uuid        not null constraint template_revisions_template_fkey references templates (id) on delete cascade,
    revision    integer     not null,
    snapshot_id uuid        not null constraint template_revisions_snapshot_fkey references snapshots (id),
    primary key (template_id, revision)
);
create index if not exists template_revisions_snapshot_idx on template_revisions (snapshot_id);
alter table sessions add column if not exists template_id uuid
    constraint sessions_template_fkey references templates (id) on delete set null;
alter table sessions add column if not exists template_revision integer;
create index if not exists sessions_template_idx on sessions (template_id, template_revision) where template_id is not null;

-- A content may be stored as the difference to another: zstd with that other as its prefix. What it refers to is itself stored whole; who
-- adds a difference holds that row meanwhile, and the foreign key keeps it afterwards.
alter table blobs add column if not exists base_hash bytea
    constraint blobs_base_fkey references blobs (hash)
    constraint blobs_base_is_another check (base_hash <> hash);
create index if not exists blobs_base_idx on blobs (base_hash) where base_hash is not null;

-- A content somebody has stored ahead of its use is not swept before then, whoever else stops referring to it.
alter table blobs add column if not exists staged_until timestamptz;

-- Raised with every change to a workspace's items: what was decided on one edition is written on top of that one or not at all, however late
-- a statement comes that nobody waits for any more.
alter table sessions add column if not exists edition bigint not null default 0;

-- What a session's sandbox has left on its volume for want of room, in words for its user: nobody looks at it again before they do. Told by
-- the statement that makes the session cold; it goes with the sandbox, or when that is back.
alter table sessions add column if not exists unsaved text
    constraint sessions_unsaved_is_in_a_sandbox check (unsaved is null or sandbox_id is not null);

-- Who reviews what. No row: level 0. `since` is when the present level began; `capacity` is how many reviews one holds at a time.
create table if not exists reviewers (
    user_id  uuid        primary key constraint reviewers_user_fkey references users (id) on delete cascade,
    level    smallint    not null constraint reviewers_level_known check (level between 0 and 2),
    since    timestamptz not null default now(),
    paused   boolean     not null default false,
    capacity integer     not null constraint reviewers_capacity_range check (capacity between 1 and 100),
    topics   text[]      not null default '{}'
);
create index if not exists reviewers_level_idx on reviewers (level desc, user_id) where level > 0;

-- Levels users have asked for where operators decide. One is open at a time for each.
create table if not exists reviewer_requests (
    id         uuid        primary key,
    user_id    uuid        not null constraint reviewer_requests_user_fkey references users (id) on delete cascade,
    level      smallint    not null constraint reviewer_requests_level_known check (level in (1, 2)),
    asked_at   timestamptz not null default now(),
    decided_at timestamptz,
    decided_by uuid        constraint reviewer_requests_decider_fkey references users (id) on delete set null,
    granted    boolean,
    reason     text        not null default ''
                           constraint reviewer_requests_reason_length check (char_length(reason) <= 500),
    constraint reviewer_requests_decided_or_not check ((decided_at is null) = (granted is null))
);
create unique index if not exists reviewer_requests_open_key on reviewer_requests (user_id) where decided_at is null;
create index if not exists reviewer_requests_user_idx on reviewer_requests (user_id, id desc);

-- What is to be reviewed. `version` grows with every change, so that what was decided on one is written on top of that one or not at all.
-- A review outlives its session: its rounds hold what was submitted.
create table if not exists reviews (
    id          uuid        primary key,
    author_id   uuid        not null constraint reviews_author_fkey references users (id),
    session_id  uuid        constraint reviews_session_fkey references sessions (id) on delete set null,
    title       text        not null constraint reviews_title_length check (char_length(title) between 1 and 200),
    description text        not null constraint reviews_description_length check (char_length(description) <= 20000),
    -- 0 low, 1 medium, 2 high, 3 urgent.
    priority    smallint    not null constraint reviews_priority_known check (priority between 0 and 3),
    topics      text[]      not null default '{}',
    state       text        not null default 'draft' constraint reviews_state_known check (state in
                            ('draft', 'pending', 'in_review', 'approved', 'rejected', 'changes_requested', 'withdrawn')),
    holder_id   uuid        constraint reviews_holder_fkey references users (id),
    round       integer     not null default 0 constraint reviews_round_positive check (round >= 0),
    steps       integer     not null default 0 constraint reviews_steps_positive check (steps >= 0),
    version     bigint      not null default 0,
    due_at      timestamptz,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    -- When its holder last did anything to it.
    holder_seen_at timestamptz,
    constraint reviews_held_while_in_review check (state <> 'in_review' or holder_id is not null),
    constraint reviews_submitted_has_round check (state in ('draft', 'withdrawn') or round > 0)
);
-- A session has one open request at the most.
create unique index if not exists reviews_open_key on reviews (session_id)
    where state in ('draft', 'pending', 'in_review', 'changes_requested');
create index if not exists reviews_author_idx on reviews (author_id, id desc);
create index if not exists reviews_holder_idx on reviews (holder_id, id desc) where holder_id is not null;
create index if not exists reviews_held_idx on reviews (holder_seen_at) where state = 'in_review';
create index if not exists reviews_queue_idx on reviews (priority desc, due_at, id) where state = 'pending';

-- Who is asked for a review; anybody where nobody is, or all have declined.
create table if not exists review_wanted (
    review_id   uuid        not null constraint review_wanted_review_fkey references reviews (id) on delete cascade,
    user_id     uuid        not null constraint review_wanted_user_fkey references users (id) on delete cascade,
    declined_at timestamptz,
    primary key (review_id, user_id)
);
create index if not exists review_wanted_user_idx on review_wanted (user_id, review_id) where declined_at is null;

-- What was submitted. Never changed: `hash` is of the snapshot's manifest.
create table if not exists review_rounds (
    review_id    uuid        not null constraint review_rounds_review_fkey references reviews (id) on delete cascade,
    number       integer     not null constraint review_rounds_number_positive check (number > 0),
    snapshot_id  uuid        not null constraint review_rounds_snapshot_fkey references snapshots (id),
    hash         bytea       not null constraint review_rounds_hash_length check (octet_length(hash) = 32),
    note         text        not null constraint review_rounds_note_length check (char_length(note) <= 2000),
    submitted_at timestamptz not null default now(),
    primary key (review_id, number)
);
create index if not exists review_rounds_snapshot_idx on review_rounds (snapshot_id);

-- Every step of every review; never changed. Played from the first on they lead to where the review stands.
create table if not exists review_steps (
    review_id  uuid        not null constraint review_steps_review_fkey references reviews (id) on delete cascade,
    number     integer     not null constraint review_steps_number_positive check (number > 0),
    action     text        not null constraint review_steps_action_known check (action in ('submit', 'claim', 'decline', 'release',
                           'hand_over', 'approve', 'reject', 'request_changes', 'withdraw', 'reopen')),
    by_id      uuid        constraint review_steps_by_fkey references users (id) on delete set null,
    from_state text        not null,
    to_state   text        not null,
    holder_id  uuid        constraint review_steps_holder_fkey references users (id) on delete set null,
    round      integer     not null,
    why        text        not null constraint review_steps_why_length check (char_length(why) <= 2000),
    at         timestamptz not null default now(),
    primary key (review_id, number)
);

-- What a review's session had begun with, where that was a template: its rounds can be compared with it, whatever becomes of the template.
alter table reviews add column if not exists start_snapshot_id uuid constraint reviews_start_fkey references snapshots (id);
create index if not exists reviews_start_idx on reviews (start_snapshot_id) where start_snapshot_id is not null;

-- The newest round somebody has looked at.
create table if not exists review_seen (
    review_id uuid    not null constraint review_seen_review_fkey references reviews (id) on delete cascade,
    user_id   uuid    not null constraint review_seen_user_fkey references users (id) on delete cascade,
    round     integer not null constraint review_seen_round_positive check (round > 0),
    primary key (review_id, user_id)
);

-- What somebody has looked at: `mark` is of the item, so that it holds in every round in which that is the same.
create table if not exists review_viewed (
    review_id uuid  not null constraint review_viewed_review_fkey references reviews (id) on delete cascade,
    user_id   uuid  not null constraint review_viewed_user_fkey references users (id) on delete cascade,
    path      text  collate "C" not null,
    mark      bytea not null constraint review_viewed_mark_length check (octet_length(mark) = 32),
    primary key (review_id, user_id, path)
);

-- What was said of a round: a thread on lines of a file, on a file, or on all of it. It is seen by who began it alone before it is published.
create table if not exists review_threads (
    id           uuid        primary key,
    review_id    uuid        not null constraint review_threads_review_fkey references reviews (id) on delete cascade,
    opened_by    uuid        not null constraint review_threads_opener_fkey references users (id),
    kind         text        not null constraint review_threads_kind_known check (kind in ('general', 'suggestion', 'issue', 'question', 'praise')),
    state        text        not null default 'open' constraint review_threads_state_known check (state in ('open', 'resolved', 'verified')),
    -- Where it was written.
    round        integer     not null,
    side         text        not null constraint review_threads_side_known check (side in ('new', 'old')),
    path         text        collate "C",
    first_line   integer,
    last_line    integer,
    created_at   timestamptz not null default now(),
    published_at timestamptz,
    constraint review_threads_round_fkey foreign key (review_id, round) references review_rounds (review_id, number),
    constraint review_threads_lines_of_a_file check (path is not null or first_line is null),
    constraint review_threads_lines_in_order check ((first_line is null) = (last_line is null) and first_line between 1 and last_line)
);
create index if not exists review_threads_review_idx on review_threads (review_id, id);
create index if not exists review_threads_blocking_idx on review_threads (review_id)
    where kind = 'issue' and state <> 'verified' and published_at is not null;

-- `replacement` is what a suggested edit makes of the thread's lines.
create table if not exists review_comments (
    id            uuid        primary key,
    thread_id     uuid        not null constraint review_comments_thread_fkey references review_threads (id) on delete cascade,
    author_id     uuid        not null constraint review_comments_author_fkey references users (id),
    text          text        not null constraint review_comments_text_length check (char_length(text) between 1 and 20000),
    replacement   text        constraint review_comments_replacement_length check (char_length(replacement) <= 100000),
    created_at    timestamptz not null default now(),
    published_at  timestamptz,
    edited_at     timestamptz,
    applied_at    timestamptz
);
create index if not exists review_comments_thread_idx on review_comments (thread_id, id);
create index if not exists review_comments_drafts_idx on review_comments (author_id, thread_id) where published_at is null;

-- What a published comment said before it was edited.
create table if not exists review_comment_edits (
    comment_id  uuid        not null constraint review_comment_edits_comment_fkey references review_comments (id) on delete cascade,
    number      integer     not null,
    text        text        not null,
    replacement text,
    written_at  timestamptz not null,
    primary key (comment_id, number)
);

-- Sessions in which somebody runs a round of a review: neither listed nor counted as theirs, and thrown away when closed or idle.
create table if not exists review_runs (
    session_id uuid    primary key constraint review_runs_session_fkey references sessions (id) on delete cascade,
    review_id  uuid    not null,
    round      integer not null,
    user_id    uuid    not null constraint review_runs_user_fkey references users (id) on delete cascade,
    constraint review_runs_round_fkey foreign key (review_id, round) references review_rounds (review_id, number) on delete cascade
);
create index if not exists review_runs_user_idx on review_runs (user_id, review_id);
create index if not exists review_runs_round_idx on review_runs (review_id, round);
