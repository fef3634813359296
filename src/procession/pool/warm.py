"""For the fork server: what a worker loads, loaded once for all of them."""

from procession.pool.team import warm_up

warm_up()
