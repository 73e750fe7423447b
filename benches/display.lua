-- What wrk asks of a layer with 'anonymous = true': each display is that of another visitor, who gets a code of their own.
wrk.method = "POST"
wrk.body = "{}"
wrk.headers["Content-Type"] = "application/json"
