from tests.prior import freeze

freeze()
