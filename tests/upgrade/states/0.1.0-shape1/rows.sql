BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE counter (
	name TEXT NOT NULL, 
	value BIGINT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "counter" VALUES('event',5);
INSERT INTO "counter" VALUES('intent',8);
INSERT INTO "counter" VALUES('shape',1);
CREATE TABLE event (
	id INTEGER NOT NULL, 
	at FLOAT NOT NULL, 
	kind TEXT NOT NULL, 
	service TEXT NOT NULL, 
	environment TEXT NOT NULL, 
	rollout TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	shape INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "event" VALUES(1,0.0,'step_entered','shop','production','','ada',1,'{"kind":"step_entered","at":0.0,"service":"shop","environment":"production","rollout":"","by":"ada","reason":"step 0","code":"","data":{"n":0,"share":0.5,"ok":true,"none":null}}');
INSERT INTO "event" VALUES(2,1.0,'step_entered','shop','production','','ada',1,'{"kind":"step_entered","at":1.0,"service":"shop","environment":"production","rollout":"","by":"ada","reason":"step 1","code":"","data":{"n":1,"share":0.5,"ok":true,"none":null}}');
INSERT INTO "event" VALUES(3,2.0,'step_entered','shop','production','','ada',1,'{"kind":"step_entered","at":2.0,"service":"shop","environment":"production","rollout":"","by":"ada","reason":"step 2","code":"","data":{"n":2,"share":0.5,"ok":true,"none":null}}');
INSERT INTO "event" VALUES(4,4.0,'step_entered','shop','production','r1','ada',1,'{"kind":"step_entered","at":4.0,"service":"shop","environment":"production","rollout":"r1","by":"ada","reason":"step 4","code":"","data":{"n":4,"share":0.5,"ok":true,"none":null}}');
INSERT INTO "event" VALUES(5,5.0,'step_entered','shop','production','r1','ada',1,'{"kind":"step_entered","at":5.0,"service":"shop","environment":"production","rollout":"r1","by":"ada","reason":"step 5","code":"","data":{"n":5,"share":0.5,"ok":true,"none":null}}');
CREATE TABLE evidence (
	rollout TEXT NOT NULL, 
	shape INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (rollout), 
	FOREIGN KEY(rollout) REFERENCES rollout (id)
);
INSERT INTO "evidence" VALUES('r1',1,'{"since":11.0,"rollout":"r1","exposed_at":null,"candidate":{"requests":40,"failures":1,"shielded":0,"slow":0,"crashes":0},"live":{"requests":400,"failures":9,"shielded":0,"slow":0,"crashes":0},"cold":null,"marks":[],"last":{"shop-2":{"requests":40,"failures":1,"shielded":0,"slow":0},"shop-1":{"requests":400,"failures":9,"shielded":0,"slow":0}},"crashes":{"shop-2":0},"opened":0.0,"live_at":0.0,"live_counted":0,"live_seen":0,"bursts":{},"harm":{"errors":[[0.1,0.2,1],[-0.5,0.0,0]]},"proof":{"errors 5000":[0.1,-0.2]},"tracks":{},"meters":null,"shares":[],"split":null,"tails":{},"bands":{},"outset":null,"voided":"","standing":[],"halves":[],"replaced":[],"anew_at":0.0,"without":null,"tests":[],"trail":[]}');
CREATE TABLE intent (
	id INTEGER NOT NULL, 
	service TEXT NOT NULL, 
	environment TEXT NOT NULL, 
	asked_at FLOAT NOT NULL, 
	makes TEXT, 
	done BOOLEAN NOT NULL, 
	shape INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(service, environment) REFERENCES target (service, environment), 
	UNIQUE (makes)
);
INSERT INTO "intent" VALUES(1,'shop','production',3.0,'r1',1,1,'{"type":"deploy","rollout":"r1","by":"ada","revision":{"release":"sha256:0000000000000000000000000000000000000000000000000000000000000002","version":"1.2","run":{"command":["bin/serve","--port","{port}"],"env":{"LOG_LEVEL":"info"},"secrets":{},"ready":{"http":"/healthz","tcp":false,"command":[],"within":30.0,"every":1.0,"timeout":2.0,"failures":3},"live":null,"stop":{"drain":10.0,"grace":10.0},"limits":{"memory":null,"files":null,"cpu":null}},"config":"sha256:4b2ac9bc0d607c834de6ddeda6877dfe77bd8576b32247e5c2808669d76d3066"},"placement":{"replicas":4,"hosts":["shop.example"],"env":{},"secrets":{},"strategy":[{"type":"blue-green","keep":10.0,"preview":null,"switch":"automatic"},{"type":"canary","steps":[100,1000,5000]}],"pace":{"until":"proven","dwell":10.0,"deadline":1800.0,"on_unsure":"hold","requests":0,"bake":0.0},"evidence":{"errors":{"margin":0.005,"relative":0.0,"max":0.05},"latency":{"bound":1.0,"margin":0.01,"relative":0.0,"p50":null,"p90":null,"p99":null},"alpha":0.01,"beta":0.05,"judge":{"type":"betting"},"metrics":{},"compare":"live","warm_up":0.0,"replace":1,"crashes":1},"shield":{"enabled":true,"methods":["GET","HEAD","OPTIONS"],"budget":0.2},"sticky":null},"strategy":[{"type":"canary","steps":[100,1000,5000]}],"again":false}');
INSERT INTO "intent" VALUES(2,'shop','staging',6.0,'r8',0,1,'{"type":"deploy","rollout":"r8","by":"ada","revision":{"release":"sha256:0000000000000000000000000000000000000000000000000000000000000002","version":"1.2","run":{"command":["bin/serve","--port","{port}"],"env":{"LOG_LEVEL":"info"},"secrets":{},"ready":{"http":"/healthz","tcp":false,"command":[],"within":30.0,"every":1.0,"timeout":2.0,"failures":3},"live":null,"stop":{"drain":10.0,"grace":10.0},"limits":{"memory":null,"files":null,"cpu":null}},"config":"sha256:4b2ac9bc0d607c834de6ddeda6877dfe77bd8576b32247e5c2808669d76d3066"},"placement":{"replicas":4,"hosts":["shop.example"],"env":{},"secrets":{},"strategy":[{"type":"blue-green","keep":10.0,"preview":null,"switch":"automatic"},{"type":"canary","steps":[100,1000,5000]}],"pace":{"until":"proven","dwell":10.0,"deadline":1800.0,"on_unsure":"hold","requests":0,"bake":0.0},"evidence":{"errors":{"margin":0.005,"relative":0.0,"max":0.05},"latency":{"bound":1.0,"margin":0.01,"relative":0.0,"p50":null,"p90":null,"p99":null},"alpha":0.01,"beta":0.05,"judge":{"type":"betting"},"metrics":{},"compare":"live","warm_up":0.0,"replace":1,"crashes":1},"shield":{"enabled":true,"methods":["GET","HEAD","OPTIONS"],"budget":0.2},"sticky":null},"strategy":[{"type":"canary","steps":[100,1000,5000]}],"again":false}');
INSERT INTO "intent" VALUES(3,'shop','staging',6.0,'r9',0,1,'{"type":"deploy","rollout":"r9","by":"ada","revision":{"release":"sha256:0000000000000000000000000000000000000000000000000000000000000003","version":"1.3","run":{"command":["bin/serve","--port","{port}"],"env":{"LOG_LEVEL":"info"},"secrets":{},"ready":{"http":"/healthz","tcp":false,"command":[],"within":30.0,"every":1.0,"timeout":2.0,"failures":3},"live":null,"stop":{"drain":10.0,"grace":10.0},"limits":{"memory":null,"files":null,"cpu":null}},"config":"sha256:4b2ac9bc0d607c834de6ddeda6877dfe77bd8576b32247e5c2808669d76d3066"},"placement":{"replicas":4,"hosts":["shop.example"],"env":{},"secrets":{},"strategy":[{"type":"blue-green","keep":10.0,"preview":null,"switch":"automatic"},{"type":"canary","steps":[100,1000,5000]}],"pace":{"until":"proven","dwell":10.0,"deadline":1800.0,"on_unsure":"hold","requests":0,"bake":0.0},"evidence":{"errors":{"margin":0.005,"relative":0.0,"max":0.05},"latency":{"bound":1.0,"margin":0.01,"relative":0.0,"p50":null,"p90":null,"p99":null},"alpha":0.01,"beta":0.05,"judge":{"type":"betting"},"metrics":{},"compare":"live","warm_up":0.0,"replace":1,"crashes":1},"shield":{"enabled":true,"methods":["GET","HEAD","OPTIONS"],"budget":0.2},"sticky":null},"strategy":[{"type":"recreate"}],"again":true}');
INSERT INTO "intent" VALUES(4,'shop','staging',6.0,'r10',0,1,'{"type":"rollback","rollout":"r10","by":"bob","release":"sha256:0000000000000000000000000000000000000000000000000000000000000001","reason":"worse"}');
INSERT INTO "intent" VALUES(5,'shop','staging',6.0,NULL,0,1,'{"type":"abort","rollout":"r1","by":"bob","reason":"at 3 in the morning"}');
INSERT INTO "intent" VALUES(6,'shop','staging',6.0,NULL,0,1,'{"type":"pause","rollout":"r1","by":"bob","reason":""}');
INSERT INTO "intent" VALUES(7,'shop','staging',6.0,NULL,0,1,'{"type":"resume","rollout":"r1","by":"bob"}');
INSERT INTO "intent" VALUES(8,'shop','staging',6.0,NULL,0,1,'{"type":"advance","rollout":"r1","by":"bob","step":null}');
CREATE TABLE release (
	digest TEXT NOT NULL, 
	service TEXT NOT NULL, 
	made_at FLOAT NOT NULL, 
	shape INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (digest, service)
);
INSERT INTO "release" VALUES('sha256:0000000000000000000000000000000000000000000000000000000000000001','shop',1.0,1,'{"digest":"sha256:0000000000000000000000000000000000000000000000000000000000000001","service":"shop","version":"1.1","made_at":1.0,"commit":"c0ffee","labels":{"by":"büro"}}');
INSERT INTO "release" VALUES('sha256:0000000000000000000000000000000000000000000000000000000000000002','shop',2.0,1,'{"digest":"sha256:0000000000000000000000000000000000000000000000000000000000000002","service":"shop","version":"1.2","made_at":2.0,"commit":"c0ffee","labels":{"by":"büro"}}');
CREATE TABLE rollout (
	id TEXT NOT NULL, 
	service TEXT NOT NULL, 
	environment TEXT NOT NULL, 
	phase TEXT NOT NULL, 
	ended BOOLEAN NOT NULL, 
	started_at FLOAT NOT NULL, 
	ended_at FLOAT, 
	shape INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(service, environment) REFERENCES target (service, environment)
);
INSERT INTO "rollout" VALUES('r0','shop','production','rolled_back',1,1.0,2.0,1,'{"id":"r0","service":"shop","environment":"production","kind":"deploy","by":"ada","strategy":"canary","revision":{"release":"sha256:0000000000000000000000000000000000000000000000000000000000000002","version":"1.2","run":{"command":["bin/serve","--port","{port}"],"env":{"LOG_LEVEL":"info"},"secrets":{},"ready":{"http":"/healthz","tcp":false,"command":[],"within":30.0,"every":1.0,"timeout":2.0,"failures":3},"live":null,"stop":{"drain":10.0,"grace":10.0},"limits":{"memory":null,"files":null,"cpu":null}},"config":"sha256:4b2ac9bc0d607c834de6ddeda6877dfe77bd8576b32247e5c2808669d76d3066"},"candidate":"shop-2","live":"shop-1","replicas":4,"placement":{"replicas":1,"hosts":[],"env":{},"secrets":{},"strategy":[{"type":"canary","steps":[100,1000,5000]}],"pace":{"until":"proven","dwell":10.0,"deadline":1800.0,"on_unsure":"hold","requests":0,"bake":0.0},"evidence":{"errors":{"margin":0.005,"relative":0.0,"max":0.05},"latency":{"bound":1.0,"margin":0.01,"relative":0.0,"p50":null,"p90":null,"p99":null},"alpha":0.01,"beta":0.05,"judge":{"type":"betting"},"metrics":{},"compare":"live","warm_up":0.0,"replace":1,"crashes":1},"shield":{"enabled":true,"methods":["GET","HEAD","OPTIONS"],"budget":0.2},"sticky":null},"course":{"steps":[{"name":"start","sizes":{"live":4,"candidate":1},"split":[{"role":"live","share_bp":10000}],"leave":{"type":"ready","role":"candidate","within":600.0},"finishing":false,"inside":[],"gradual":false},{"name":"1 %","sizes":{"live":4,"candidate":1},"split":[{"role":"candidate","share_bp":100},{"role":"live","share_bp":9900}],"leave":{"type":"judged","until":"proven","exposure":1000,"dwell":10.0,"deadline":1800.0,"on_unsure":"hold","requests":0},"finishing":false,"inside":[],"gradual":false},{"name":"10 %","sizes":{"live":4,"candidate":1},"split":[{"role":"candidate","share_bp":1000},{"role":"live","share_bp":9000}],"leave":{"type":"judged","until":"proven","exposure":5000,"dwell":10.0,"deadline":1800.0,"on_unsure":"hold","requests":0},"finishing":false,"inside":[],"gradual":false},{"name":"50 %","sizes":{"live":4,"candidate":2},"split":[{"role":"candidate","share_bp":5000},{"role":"live","share_bp":5000}],"leave":{"type":"judged","until":"proven","exposure":10000,"dwell":10.0,"deadline":1800.0,"on_unsure":"hold","requests":0},"finishing":false,"inside":[],"gradual":false},{"name":"100 %","sizes":{"live":4,"candidate":4},"split":[{"role":"candidate","share_bp":10000}],"leave":{"type":"ready","role":"candidate","within":600.0},"finishing":false,"inside":[],"gradual":false},{"name":"finish","sizes":{"live":0,"candidate":4},"split":[{"role":"candidate","share_bp":10000}],"leave":{"type":"settled","within":900.0},"finishing":true,"inside":[],"gradual":false}],"back":[{"name":"back","sizes":{"live":4,"candidate":0},"split":[{"role":"live","share_bp":10000}],"leave":{"type":"settled","within":900.0},"finishing":true,"inside":[],"gradual":false}]},"started_at":1.0,"entered_at":2.0,"in_force_at":null,"phase":"rolled_back","step":0,"reason":"","reason_code":"","ending":null,"ended_at":2.0,"reached_bp":1000,"decided_at":null,"verdict":{"outcome":"unsure","sentence":"needs 312 requests to be sure, has had 40","code":"few_requests","candidate":{"requests":40,"failures":1,"shielded":0,"slow":0,"crashes":0},"live":{"requests":400,"failures":9,"shielded":1,"slow":2,"crashes":0},"proven_bp":0,"log_evidence":{"harm_errors":-0.25},"needs":312,"harm":0.0,"good":0.0,"warnings":[],"exposure":null},"baseline":null,"had":0,"warm":null,"retired":[],"baked":0.0}');
INSERT INTO "rollout" VALUES('r1','shop','production','progressing',0,4.0,NULL,1,'{"id":"r1","service":"shop","environment":"production","kind":"deploy","by":"ada","strategy":"canary","revision":{"release":"sha256:0000000000000000000000000000000000000000000000000000000000000002","version":"1.2","run":{"command":["bin/serve","--port","{port}"],"env":{"LOG_LEVEL":"info"},"secrets":{},"ready":{"http":"/healthz","tcp":false,"command":[],"within":30.0,"every":1.0,"timeout":2.0,"failures":3},"live":null,"stop":{"drain":10.0,"grace":10.0},"limits":{"memory":null,"files":null,"cpu":null}},"config":"sha256:4b2ac9bc0d607c834de6ddeda6877dfe77bd8576b32247e5c2808669d76d3066"},"candidate":"shop-2","live":"shop-1","replicas":4,"placement":{"replicas":1,"hosts":[],"env":{},"secrets":{},"strategy":[{"type":"canary","steps":[100,1000,5000]}],"pace":{"until":"proven","dwell":10.0,"deadline":1800.0,"on_unsure":"hold","requests":0,"bake":0.0},"evidence":{"errors":{"margin":0.005,"relative":0.0,"max":0.05},"latency":{"bound":1.0,"margin":0.01,"relative":0.0,"p50":null,"p90":null,"p99":null},"alpha":0.01,"beta":0.05,"judge":{"type":"betting"},"metrics":{},"compare":"live","warm_up":0.0,"replace":1,"crashes":1},"shield":{"enabled":true,"methods":["GET","HEAD","OPTIONS"],"budget":0.2},"sticky":null},"course":{"steps":[{"name":"start","sizes":{"live":4,"candidate":1},"split":[{"role":"live","share_bp":10000}],"leave":{"type":"ready","role":"candidate","within":600.0},"finishing":false,"inside":[],"gradual":false},{"name":"1 %","sizes":{"live":4,"candidate":1},"split":[{"role":"candidate","share_bp":100},{"role":"live","share_bp":9900}],"leave":{"type":"judged","until":"proven","exposure":1000,"dwell":10.0,"deadline":1800.0,"on_unsure":"hold","requests":0},"finishing":false,"inside":[],"gradual":false},{"name":"10 %","sizes":{"live":4,"candidate":1},"split":[{"role":"candidate","share_bp":1000},{"role":"live","share_bp":9000}],"leave":{"type":"judged","until":"proven","exposure":5000,"dwell":10.0,"deadline":1800.0,"on_unsure":"hold","requests":0},"finishing":false,"inside":[],"gradual":false},{"name":"50 %","sizes":{"live":4,"candidate":2},"split":[{"role":"candidate","share_bp":5000},{"role":"live","share_bp":5000}],"leave":{"type":"judged","until":"proven","exposure":10000,"dwell":10.0,"deadline":1800.0,"on_unsure":"hold","requests":0},"finishing":false,"inside":[],"gradual":false},{"name":"100 %","sizes":{"live":4,"candidate":4},"split":[{"role":"candidate","share_bp":10000}],"leave":{"type":"ready","role":"candidate","within":600.0},"finishing":false,"inside":[],"gradual":false},{"name":"finish","sizes":{"live":0,"candidate":4},"split":[{"role":"candidate","share_bp":10000}],"leave":{"type":"settled","within":900.0},"finishing":true,"inside":[],"gradual":false}],"back":[{"name":"back","sizes":{"live":4,"candidate":0},"split":[{"role":"live","share_bp":10000}],"leave":{"type":"settled","within":900.0},"finishing":true,"inside":[],"gradual":false}]},"started_at":4.0,"entered_at":5.0,"in_force_at":null,"phase":"progressing","step":0,"reason":"","reason_code":"","ending":null,"ended_at":null,"reached_bp":1000,"decided_at":null,"verdict":{"outcome":"unsure","sentence":"needs 312 requests to be sure, has had 40","code":"few_requests","candidate":{"requests":40,"failures":1,"shielded":0,"slow":0,"crashes":0},"live":{"requests":400,"failures":9,"shielded":1,"slow":2,"crashes":0},"proven_bp":0,"log_evidence":{"harm_errors":-0.25},"needs":312,"harm":0.0,"good":0.0,"warnings":[],"exposure":null},"baseline":null,"had":0,"warm":null,"retired":[],"baked":0.0}');
CREATE TABLE spec (
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	shape INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (kind, name)
);
INSERT INTO "spec" VALUES('environment','production',1,'{"router":{"name":"haproxy","config":{"listen":"127.0.0.1:8081"}},"provider":{"name":"process","config":{}},"after":"staging","metrics":{},"gates":[]}');
INSERT INTO "spec" VALUES('environment','staging',1,'{"router":{"name":"haproxy","config":{"listen":"127.0.0.1:8080"}},"provider":{"name":"process","config":{}},"after":null,"metrics":{},"gates":[]}');
INSERT INTO "spec" VALUES('service','shop',1,'{"run":{"command":["bin/serve","--port","{port}"],"env":{"LOG_LEVEL":"info"},"secrets":{},"ready":{"http":"/healthz","tcp":false,"command":[],"within":30.0,"every":1.0,"timeout":2.0,"failures":3},"live":null,"stop":{"drain":10.0,"grace":10.0},"limits":{"memory":null,"files":null,"cpu":null}},"in":{"production":{"replicas":4,"hosts":["shop.example"],"env":{},"secrets":{},"strategy":[{"type":"blue-green","keep":10.0,"preview":null,"switch":"automatic"},{"type":"canary","steps":[100,1000,5000]}],"pace":{"until":"proven","dwell":10.0,"deadline":1800.0,"on_unsure":"hold","requests":0,"bake":0.0},"evidence":{"errors":{"margin":0.005,"relative":0.0,"max":0.05},"latency":{"bound":1.0,"margin":0.01,"relative":0.0,"p50":null,"p90":null,"p99":null},"alpha":0.01,"beta":0.05,"judge":{"type":"betting"},"metrics":{},"compare":"live","warm_up":0.0,"replace":1,"crashes":1},"shield":{"enabled":true,"methods":["GET","HEAD","OPTIONS"],"budget":0.2},"sticky":null},"staging":{"replicas":1,"hosts":[],"env":{},"secrets":{},"strategy":[{"type":"canary","steps":[100,1000,5000]}],"pace":{"until":"proven","dwell":10.0,"deadline":1800.0,"on_unsure":"hold","requests":0,"bake":0.0},"evidence":{"errors":{"margin":0.005,"relative":0.0,"max":0.05},"latency":{"bound":1.0,"margin":0.01,"relative":0.0,"p50":null,"p90":null,"p99":null},"alpha":0.01,"beta":0.05,"judge":{"type":"betting"},"metrics":{},"compare":"live","warm_up":0.0,"replace":1,"crashes":1},"shield":{"enabled":true,"methods":["GET","HEAD","OPTIONS"],"budget":0.2},"sticky":null}}}');
INSERT INTO "spec" VALUES('notify','',1,'{"webhook":"/run/secrets/webhook"}');
CREATE TABLE target (
	service TEXT NOT NULL, 
	environment TEXT NOT NULL, 
	epoch BIGINT NOT NULL, 
	holder TEXT NOT NULL, 
	held_until FLOAT NOT NULL, 
	due_at FLOAT NOT NULL, 
	shape INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (service, environment)
);
INSERT INTO "target" VALUES('shop','production',1,'example',34.0,5.0,1,'{"service":"shop","environment":"production","placement":{"replicas":4,"hosts":["shop.example"],"env":{},"secrets":{},"strategy":[{"type":"blue-green","keep":10.0,"preview":null,"switch":"automatic"},{"type":"canary","steps":[100,1000,5000]}],"pace":{"until":"proven","dwell":10.0,"deadline":1800.0,"on_unsure":"hold","requests":0,"bake":0.0},"evidence":{"errors":{"margin":0.005,"relative":0.0,"max":0.05},"latency":{"bound":1.0,"margin":0.01,"relative":0.0,"p50":null,"p90":null,"p99":null},"alpha":0.01,"beta":0.05,"judge":{"type":"betting"},"metrics":{},"compare":"live","warm_up":0.0,"replace":1,"crashes":1},"shield":{"enabled":true,"methods":["GET","HEAD","OPTIONS"],"budget":0.2},"sticky":null},"serial":2,"groups":[{"id":"shop-1","role":"live","revision":{"release":"sha256:0000000000000000000000000000000000000000000000000000000000000001","version":"1.1","run":{"command":["bin/serve","--port","{port}"],"env":{"LOG_LEVEL":"info"},"secrets":{},"ready":{"http":"/healthz","tcp":false,"command":[],"within":30.0,"every":1.0,"timeout":2.0,"failures":3},"live":null,"stop":{"drain":10.0,"grace":10.0},"limits":{"memory":null,"files":null,"cpu":null}},"config":"sha256:4b2ac9bc0d607c834de6ddeda6877dfe77bd8576b32247e5c2808669d76d3066"},"replicas":4},{"id":"shop-2","role":"candidate","revision":{"release":"sha256:0000000000000000000000000000000000000000000000000000000000000002","version":"1.2","run":{"command":["bin/serve","--port","{port}"],"env":{"LOG_LEVEL":"info"},"secrets":{},"ready":{"http":"/healthz","tcp":false,"command":[],"within":30.0,"every":1.0,"timeout":2.0,"failures":3},"live":null,"stop":{"drain":10.0,"grace":10.0},"limits":{"memory":null,"files":null,"cpu":null}},"config":"sha256:4b2ac9bc0d607c834de6ddeda6877dfe77bd8576b32247e5c2808669d76d3066"},"replicas":1}],"live":"shop-1","good":[{"release":"sha256:0000000000000000000000000000000000000000000000000000000000000000","version":"1.0","run":{"command":["bin/serve","--port","{port}"],"env":{"LOG_LEVEL":"info"},"secrets":{},"ready":{"http":"/healthz","tcp":false,"command":[],"within":30.0,"every":1.0,"timeout":2.0,"failures":3},"live":null,"stop":{"drain":10.0,"grace":10.0},"limits":{"memory":null,"files":null,"cpu":null}},"config":"sha256:4b2ac9bc0d607c834de6ddeda6877dfe77bd8576b32247e5c2808669d76d3066"}],"quarantine":["sha256:0000000000000000000000000000000000000000000000000000000000000007"],"rollout":null,"scaled":null,"past":null}');
INSERT INTO "target" VALUES('shop','staging',0,'',0.0,0.0,1,'{"service":"shop","environment":"staging","placement":{"replicas":1,"hosts":[],"env":{},"secrets":{},"strategy":[{"type":"canary","steps":[100,1000,5000]}],"pace":{"until":"proven","dwell":10.0,"deadline":1800.0,"on_unsure":"hold","requests":0,"bake":0.0},"evidence":{"errors":{"margin":0.005,"relative":0.0,"max":0.05},"latency":{"bound":1.0,"margin":0.01,"relative":0.0,"p50":null,"p90":null,"p99":null},"alpha":0.01,"beta":0.05,"judge":{"type":"betting"},"metrics":{},"compare":"live","warm_up":0.0,"replace":1,"crashes":1},"shield":{"enabled":true,"methods":["GET","HEAD","OPTIONS"],"budget":0.2},"sticky":null},"serial":0,"groups":[],"live":null,"good":[],"quarantine":[],"rollout":null,"scaled":null,"past":null}');
CREATE INDEX rollout_by_target ON rollout (service, environment, started_at);
CREATE UNIQUE INDEX rollout_under_way ON rollout (service, environment) WHERE ended = 0;
CREATE INDEX event_by_service ON event (service, id);
CREATE INDEX event_by_rollout ON event (rollout, id);
CREATE INDEX intent_pending ON intent (service, environment, id) WHERE done = 0;
COMMIT;
