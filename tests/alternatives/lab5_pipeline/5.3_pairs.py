# exercise: 5.3
# file: features.py
# accepted: one table of pairs, each sale with those before it, of which serving asks for a single day
def zipcode_features(sales, as_of):
    asked = sales[["zipcode"]].drop_duplicates().assign(day=pd.Timestamp(as_of).floor("D"))
    pairs = _pairs(asked, sales)
    table = pairs.groupby("zipcode")["ratio"].agg(zip_price_sqft="median", zip_sales="count")
    return table.reset_index()


def _pairs(asked, sales):
    """Each row that is asked for, with each sale of its zipcode on the days before."""
    ratio = sales["price"] / sales["sqft_living"]
    before = pd.DataFrame({"zipcode": sales["zipcode"], "before": sales["date"], "ratio": ratio})
    pairs = asked.merge(before, on="zipcode")
    back = (pairs["day"] - pairs["before"]).dt.days
    return pairs[back.between(1, DAYS)]


def training_frame(sales):
    asked = pd.DataFrame({"row": range(len(sales)), "zipcode": sales["zipcode"].array, "day": sales["date"].array})
    pairs = _pairs(asked, sales).groupby("row")["ratio"]
    frame = sales.copy()
    frame["zip_price_sqft"] = pairs.median().reindex(asked["row"]).array
    frame["zip_sales"] = pairs.size().reindex(asked["row"], fill_value=0).array
    return frame
